//! `cordwood alerts`: the rules and what they say, muted for a while, kept in files.

use crate::client::{Client, point_out};
use crate::output::Format;
use crate::output::sink::Sink;
use crate::profile::Connection;
use crate::say;
use crate::terminal::{ColorChoice, Style};
use anyhow::{Context, Result, bail};
use api_types::List;
use api_types::alerts::{AlertRule, AlertRuleRequest, AppliedRules};
use api_types::search::Column;
use jiff::{SignedDuration, Timestamp};
use reqwest::Method;
use serde_json::{Value as Json, json};
use std::io::Write;
use std::path::{Path, PathBuf};

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood alerts list
  cordwood alerts mute '5xx spike' --for 2h
  cordwood alerts export > alerts.yaml
  cordwood alerts apply --dry-run alerts.yaml")]
pub struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the rules with their states, the worst first.
    List {
        /// Form of the answer.
        #[arg(short, long, value_enum, default_value = "auto")]
        output: Format,
    },
    /// Send no notifications of a rule for a while.
    Mute {
        /// Name or id.
        rule: String,
        /// How long, such as 30m or 2h.
        #[arg(long = "for", value_name = "DURATION", default_value = "1h")]
        span: SignedDuration,
    },
    /// Write each rule to a JSON file in a folder.
    Pull { folder: PathBuf },
    /// Print all rules as YAML, with projects and channels by name.
    Export,
    /// Make or change rules as files say, YAML of many or JSON of one; a rule is known by its name.
    Apply {
        #[arg(required = true)]
        files: Vec<PathBuf>,
        /// Only say what would change.
        #[arg(long)]
        dry_run: bool,
    },
}

const PATH: &str = "/api/v1/alert-rules";

pub async fn run(options: &Options) -> Result<()> {
    let client = Client::new(options.connection.resolve()?)?;
    match &options.command {
        Command::List { output } => list(&client, *output).await,
        Command::Mute { rule, span } => {
            let rule = found(&rules(&client).await?, rule)?;
            let until = Timestamp::now().checked_add(*span).context("that is too long")?.to_string();
            let path = format!("{PATH}/{}/mute", rule.id);
            client.answer(client.request(Method::POST, &path).json(&json!({"until": until}))).await?;
            say(&format!("{} is muted until {until}", rule.definition.name));
            Ok(())
        }
        Command::Pull { folder } => pull(&client, folder).await,
        Command::Export => export(&client).await,
        Command::Apply { files, dry_run } => apply(&client, files, *dry_run).await,
    }
}

async fn rules(client: &Client) -> Result<Vec<AlertRule>> {
    let mut rules = Vec::new();
    let mut path = PATH.to_owned();
    loop {
        let page: List<AlertRule> = client.get(&path).await?;
        rules.extend(page.items);
        match page.next_cursor {
            Some(cursor) => path = format!("{PATH}?cursor={cursor}"),
            None => return Ok(rules),
        }
    }
}

fn found(rules: &[AlertRule], wanted: &str) -> Result<AlertRule> {
    let mut fitting = rules.iter().filter(|rule| rule.id == wanted || rule.definition.name == wanted);
    match (fitting.next(), fitting.next()) {
        (Some(rule), None) => Ok(rule.clone()),
        (Some(_), Some(_)) => bail!("several rules are called {wanted}; give the id of one"),
        (None, _) => bail!("there is no rule {wanted}; see `cordwood alerts list`"),
    }
}

async fn list(client: &Client, format: Format) -> Result<()> {
    const WORST_FIRST: [&str; 5] = ["firing", "error", "pending", "no_data", "ok"];
    let mut rules = rules(client).await?;
    let rank = |rule: &AlertRule| WORST_FIRST.iter().position(|state| *state == rule.state);
    rules.sort_by(|a, b| (rank(a), &a.definition.name).cmp(&(rank(b), &b.definition.name)));
    let columns: Vec<Column> = ["state", "name", "severity", "value", "since", "muted_until", "id"]
        .map(|name| Column {
            name: name.into(),
            kind: if name == "value" { "number" } else { "string" }.into(),
        })
        .into();
    let row = |rule: &AlertRule| -> Vec<Json> {
        vec![
            json!(rule.state),
            json!(rule.definition.name),
            json!(rule.definition.severity),
            json!(rule.last_value),
            json!(rule.state_since),
            json!(rule.muted_until),
            json!(rule.id),
        ]
    };
    let mut sink = Sink::new(format, None, Style::of_stdout(ColorChoice::Auto));
    // A value is no measure to be drawn: each rule has its own. And an id is of no use in part.
    sink.style.width = None;
    sink.table(&columns, &rules.iter().map(row).collect::<Vec<_>>())?;
    sink.finish().map(drop)
}

async fn pull(client: &Client, folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder).with_context(|| format!("cannot make {}", folder.display()))?;
    for rule in rules(client).await? {
        let path = folder.join(format!("{}.json", file_name(&rule.definition.name)));
        let text = serde_json::to_string_pretty(&rule.definition)? + "\n";
        std::fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
        say(&path.display().to_string());
    }
    Ok(())
}

/// Letters, digits and single hyphens.
fn file_name(name: &str) -> String {
    let plain =
        name.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { '-' }).collect::<String>();
    plain.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

async fn export(client: &Client) -> Result<()> {
    let answer = client.answer(client.request(Method::GET, &format!("{PATH}/export"))).await?;
    let text = answer.text().await.context("the answer was cut off")?;
    std::io::stdout().lock().write_all(text.as_bytes()).context("cannot write the rules")
}

/// The server reads a YAML file: there names of projects and channels are known, and one wrong rule changes nothing.
async fn apply_yaml(client: &Client, text: String, dry_run: bool) -> Result<()> {
    let path = format!("{PATH}/import?dry_run={dry_run}");
    let answer = client.answer(client.request(Method::POST, &path).body(text)).await?;
    let applied: AppliedRules = answer.json().await.context("the answer is not as expected")?;
    let would = if dry_run { "would be " } else { "" };
    for (done, names) in [("created", applied.created), ("changed", applied.changed)] {
        names.iter().for_each(|name| say(&format!("{would}{done} {name}")));
    }
    applied.unchanged.iter().for_each(|name| say(&format!("unchanged {name}")));
    Ok(())
}

async fn apply(client: &Client, files: &[PathBuf], dry_run: bool) -> Result<()> {
    // All files are read before anything is changed.
    let (mut wanted, mut yaml) = (Vec::new(), Vec::new());
    for path in files {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        if path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml") {
            yaml.push((path, text));
            continue;
        }
        let rule: AlertRuleRequest =
            serde_json::from_str(&text).with_context(|| format!("{} is no alert rule", path.display()))?;
        wanted.push(rule);
    }
    for (path, text) in yaml {
        apply_yaml(client, text, dry_run).await.with_context(|| path.display().to_string())?;
    }
    let known = if wanted.is_empty() { Vec::new() } else { rules(client).await? };
    for rule in wanted {
        let same_name = known.iter().find(|known| known.definition.name == rule.name);
        let (method, path, done) = match same_name {
            Some(known) if same(&known.definition, &rule) => {
                say(&format!("unchanged {}", rule.name));
                continue;
            }
            Some(known) => (Method::PATCH, format!("{PATH}/{}", known.id), "changed"),
            None => (Method::POST, PATH.to_owned(), "created"),
        };
        if !dry_run {
            let sent = client.answer(client.request(method, &path).json(&rule)).await;
            sent.map_err(|error| point_out(error, &rule.query))
                .with_context(|| format!("rule {}", rule.name))?;
        }
        say(&format!("{}{done} {}", if dry_run { "would be " } else { "" }, rule.name));
    }
    Ok(())
}

/// A file that leaves the project out means the one that the rule is in.
fn same(known: &AlertRuleRequest, wanted: &AlertRuleRequest) -> bool {
    let project_id = wanted.project_id.clone().or_else(|| known.project_id.clone());
    *known == AlertRuleRequest { project_id, ..wanted.clone() }
}

#[cfg(test)]
mod tests {
    #[test]
    fn file_names_are_made_of_the_letters_and_digits_of_the_name() {
        assert_eq!(super::file_name("5xx spike (EU/west)"), "5xx-spike-eu-west");
    }
}
