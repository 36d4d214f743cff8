//! `cordwood login` and `logout`: keeps a server and a key in the configuration file, after trying them.

use crate::client::{Client, Refused};
use crate::device::{Grant, authorize};
use crate::profile::{Connection, Profile, Profiles, path};
use crate::say;
use anyhow::{Context, Result, ensure};
use reqwest::StatusCode;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood login --server https://logs.example.com
  cordwood login --server https://logs.example.com --scope query
  cordwood login --server https://logs.example.com --token cwq_…
  cordwood login --server https://logs.example.com --with-token < key.txt
  cordwood login --profile staging --server https://staging.example.com

Shows a code and a page of the server; sign in there as always, by password or by your company's single sign-on, and
confirm the code. The key that comes of it is yours, may what your role may, and ends after 90 days or when you leave.

Machines get keys of their own: make one under Settings, API keys, and give it with --token or CORDWOOD_TOKEN.")]
pub struct Options {
    /// What the key is to be good for, with commas between: query, ingest, admin. Default: all that your role allows.
    #[arg(long, value_name = "SCOPES", default_value = "", hide_default_value = true)]
    scope: String,
    /// Read an API key from standard input instead of asking in the browser.
    #[arg(long, conflicts_with = "token")]
    with_token: bool,
    /// Do not open a browser on this machine; only show the address.
    #[arg(long)]
    no_browser: bool,
    #[command(flatten)]
    connection: Connection,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood logout
  cordwood logout --profile staging

Ends the key at the server when it came from `cordwood login`, and takes the profile out of the configuration file.")]
pub struct LogoutOptions {
    #[command(flatten)]
    connection: Connection,
}

pub async fn run(options: &Options) -> Result<()> {
    let connection = &options.connection;
    let path = path()?;
    let mut profiles = Profiles::read(&path)?;
    let name = connection.profile_name().to_owned();
    let known = profiles.profiles.get(&name).map(|profile| profile.server.clone());
    let server = connection.server.clone().or(known).context("which server? Give --server https://…")?;
    let server = server.trim_end_matches('/').to_owned();
    let (token, may) = match &connection.token {
        Some(token) => with_key(&server, token).await?,
        None if options.with_token => with_key(&server, &piped()?).await?,
        None => {
            let Grant { key, organization, project, scopes } =
                authorize(&server, &options.scope, !options.no_browser).await?;
            (key, format!("signed in to {organization}, project {project}; the key may {scopes}"))
        }
    };
    profiles.profiles.insert(name.clone(), Profile { server, token });
    profiles.default.get_or_insert_with(|| name.clone());
    profiles.write(&path)?;
    say(&format!("{may}; profile {name} is kept in {}", path.display()));
    Ok(())
}

pub async fn log_out(options: &LogoutOptions) -> Result<()> {
    let path = path()?;
    let mut profiles = Profiles::read(&path)?;
    let name = chosen(&options.connection, &profiles);
    let profile = profiles
        .profiles
        .remove(&name)
        .with_context(|| format!("there is no profile {name} in {}", path.display()))?;
    // Without an answer the key lives on, and so does the profile.
    let client = Client::new(profile.clone())?;
    let body = crate::device::form(&[("token", &profile.token)]);
    client.answer(crate::device::post(&client, "/api/v1/auth/device/revoke", body)).await?;
    forget_default(&mut profiles, &name);
    profiles.write(&path)?;
    say(&format!("logged out of {}; profile {name} is gone from {}", profile.server, path.display()));
    Ok(())
}

fn chosen(connection: &Connection, profiles: &Profiles) -> String {
    let usual = || connection.profile_name().to_owned();
    connection.profile.clone().or_else(|| profiles.default.clone()).unwrap_or_else(usual)
}

fn forget_default(profiles: &mut Profiles, gone: &str) {
    if profiles.default.as_deref() == Some(gone) {
        profiles.default = profiles.profiles.keys().next().cloned();
    }
}

async fn with_key(server: &str, token: &str) -> Result<(String, String)> {
    let token = token.trim().to_owned();
    let profile = Profile { server: server.to_owned(), token: token.clone() };
    let may = tried(&Client::new(profile)?).await?;
    Ok((token, may.to_owned()))
}

fn piped() -> Result<String> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the key")?;
    ensure!(!line.trim().is_empty(), "no key came over standard input");
    Ok(line)
}

/// What the key may do; an error when the server does not know it.
async fn tried(client: &Client) -> Result<&'static str> {
    let query = serde_json::json!({"query": "*"});
    match client.post::<serde_json::Value>("/api/v1/query/check", &query).await {
        Ok(_) => Ok("the key may search"),
        Err(error) => match error.downcast_ref::<Refused>() {
            Some(refused) if refused.status == StatusCode::FORBIDDEN => {
                Ok("the key may not search, only send")
            }
            _ => Err(error),
        },
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood profiles
  cordwood profiles --default staging

The one with a star is used when no profile is named with --profile or CORDWOOD_PROFILE.")]
pub struct ProfilesOptions {
    /// Make this one the default.
    #[arg(long, value_name = "NAME")]
    default: Option<String>,
}

/// Shows profiles with their servers, the default one marked.
pub fn profiles(options: &ProfilesOptions) -> Result<()> {
    let path = path()?;
    let mut profiles = Profiles::read(&path)?;
    if let Some(name) = &options.default {
        ensure!(profiles.profiles.contains_key(name), "there is no profile {name} in {}", path.display());
        profiles.default = Some(name.clone());
        profiles.write(&path)?;
    }
    for (name, profile) in &profiles.profiles {
        let mark = if profiles.default.as_deref() == Some(name) { "*" } else { " " };
        say(&format!("{mark} {name}  {}", profile.server));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_that_is_gone_is_not_the_default_any_more() {
        let profile = Profile { server: "https://a".into(), token: "t".into() };
        let mut profiles = Profiles {
            default: Some("work".into()),
            profiles: [("home".to_owned(), profile.clone()), ("work".to_owned(), profile)].into(),
        };
        profiles.profiles.remove("work");
        forget_default(&mut profiles, "work");
        assert_eq!(profiles.default.as_deref(), Some("home"));
        profiles.profiles.clear();
        forget_default(&mut profiles, "home");
        assert_eq!(profiles.default, None);
    }
}
