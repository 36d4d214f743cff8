//! `cordwood keys`: API keys, listed, made and taken back.

use crate::client::Client;
use crate::output::Format;
use crate::output::sink::Sink;
use crate::profile::Connection;
use crate::say;
use crate::terminal::{ColorChoice, Style};
use anyhow::{Context, Result, bail};
use api_types::List;
use api_types::accounts::{ApiKey, CreatedApiKey, KeyScope, NewApiKeyRequest, Project};
use api_types::search::Column;
use serde_json::{Value as Json, json};

#[derive(Debug, clap::Args)]
pub struct Options {
    #[command(subcommand)]
    command: Command,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Show the keys of the organization.
    List {
        /// Form of the answer.
        #[arg(short, long, value_enum, default_value = "auto")]
        output: Format,
    },
    /// Make a key and print it; it is shown this once.
    Create {
        /// What it is for.
        name: String,
        /// What it may do; several are separated by commas.
        #[arg(long = "scope", value_enum, value_delimiter = ',', default_value = "ingest")]
        scopes: Vec<Scope>,
        /// Project, by name or id. Default: the first one.
        #[arg(long)]
        project: Option<String>,
        /// When it ends, such as 2027-01-01T00:00:00Z. Default: never.
        #[arg(long, value_name = "TIME")]
        expires: Option<jiff::Timestamp>,
    },
    /// Take a key back, by its id, its name, or the beginning of its secret. It stops working within seconds.
    Delete { key: String },
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Scope {
    Ingest,
    Query,
    Admin,
}

pub async fn run(options: &Options) -> Result<()> {
    let client = Client::new(options.connection.resolve()?)?;
    match &options.command {
        Command::List { output } => list(&client, *output).await,
        Command::Create { name, scopes, project, expires } => {
            let request = NewApiKeyRequest {
                name: name.clone(),
                project_id: project_id(&client, project.as_deref()).await?,
                scopes: scopes.iter().map(|scope| KeyScope::from(*scope)).collect(),
                expires_at: expires.map(|time| time.to_string()),
                ..NewApiKeyRequest::default()
            };
            let created: CreatedApiKey = client.post("/api/v1/api-keys", &request).await?;
            say(&created.secret);
            Ok(())
        }
        Command::Delete { key } => {
            let found = found(keys(&client).await?, key)?;
            client.delete(&format!("/api/v1/api-keys/{}", found.id)).await?;
            say(&format!("deleted {}", found.name));
            Ok(())
        }
    }
}

async fn keys(client: &Client) -> Result<Vec<ApiKey>> {
    let keys: List<ApiKey> = client.get("/api/v1/api-keys").await?;
    Ok(keys.items)
}

async fn project_id(client: &Client, wanted: Option<&str>) -> Result<String> {
    let projects: List<Project> = client.get("/api/v1/projects").await?;
    let names: Vec<&str> = projects.items.iter().map(|project| project.name.as_str()).collect();
    let is_wanted =
        |project: &&Project| wanted.is_none_or(|wanted| project.id == wanted || project.name == wanted);
    let project = projects.items.iter().find(is_wanted);
    project.map(|project| project.id.clone()).with_context(|| {
        format!("there is no project {}; there are: {}", wanted.unwrap_or_default(), names.join(", "))
    })
}

fn found(keys: Vec<ApiKey>, wanted: &str) -> Result<ApiKey> {
    let fits = |key: &ApiKey| {
        key.id == wanted
            || key.name == wanted
            || (!key.prefix.is_empty() && wanted.starts_with(&key.prefix))
            || key.prefix == wanted
    };
    let mut fitting: Vec<ApiKey> = keys.into_iter().filter(fits).collect();
    match (fitting.pop(), fitting.len()) {
        (Some(key), 0) => Ok(key),
        (Some(_), others) => bail!("{} keys are called {wanted}; give the id of one", others + 1),
        (None, _) => bail!("there is no key {wanted}; see `cordwood keys list`"),
    }
}

async fn list(client: &Client, format: Format) -> Result<()> {
    let names = ["name", "scopes", "prefix", "created_at", "last_used_at", "expires_at", "id"];
    let columns: Vec<Column> =
        names.iter().map(|name| Column { name: (*name).into(), kind: "string".into() }).collect();
    let row = |key: ApiKey| -> Vec<Json> {
        let scopes: Vec<String> =
            key.scopes.iter().filter_map(|scope| json!(scope).as_str().map(str::to_owned)).collect();
        vec![
            json!(key.name),
            json!(scopes.join(",")),
            json!(key.prefix),
            json!(key.created_at),
            json!(key.last_used_at),
            json!(key.expires_at),
            json!(key.id),
        ]
    };
    let rows: Vec<Vec<Json>> = keys(client).await?.into_iter().map(row).collect();
    let mut sink = Sink::new(format, None, Style::of_stdout(ColorChoice::Auto));
    // An id is of no use in part.
    sink.style.width = None;
    sink.table(&columns, &rows)?;
    sink.finish().map(drop)
}

impl From<Scope> for KeyScope {
    fn from(scope: Scope) -> Self {
        match scope {
            Scope::Ingest => Self::Ingest,
            Scope::Query => Self::Query,
            Scope::Admin => Self::Admin,
        }
    }
}
