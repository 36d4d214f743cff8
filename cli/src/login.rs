//! `cordwood login`: keeps a server and a key in the configuration file, after trying them.

use crate::client::{Client, Refused};
use crate::profile::{Connection, Profile, Profiles, path};
use crate::say;
use anyhow::{Context, Result};
use reqwest::StatusCode;
use std::io::IsTerminal;

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  cordwood login --server https://logs.example.com --token cwq_…
  cordwood login --server https://logs.example.com < key.txt
  cordwood login --profile staging --server https://staging.example.com --token cwq_…

Make a key under Settings, API keys. To search it needs the scope query, to send logs ingest, to change alerts and
keys admin.")]
pub struct Options {
    #[command(flatten)]
    connection: Connection,
}

pub async fn run(options: &Options) -> Result<()> {
    let connection = &options.connection;
    let server = connection.server.clone().context("which server? Give --server https://…")?;
    let token = match &connection.token {
        Some(token) => token.clone(),
        None => ask()?,
    };
    let profile = Profile { server: server.trim_end_matches('/').to_owned(), token: token.trim().to_owned() };
    let scope = tried(&Client::new(profile.clone())?).await?;
    let path = path()?;
    let mut profiles = Profiles::read(&path)?;
    let name = connection.profile_name();
    profiles.profiles.insert(name.to_owned(), profile);
    profiles.default.get_or_insert_with(|| name.to_owned());
    profiles.write(&path)?;
    say(&format!("{scope}; profile {name} is kept in {}", path.display()));
    Ok(())
}

fn ask() -> Result<String> {
    if std::io::stdin().is_terminal() {
        say("Paste the API key and press Enter:");
    }
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("cannot read the key")?;
    anyhow::ensure!(!line.trim().is_empty(), "no key was given; use --token or standard input");
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
