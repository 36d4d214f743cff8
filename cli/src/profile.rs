//! Where the server is and who asks: flags, environment, or a profile in the configuration file.
//!
//! The file is `$CORDWOOD_CLI_CONFIG`, or `cordwood/config.toml` in `$XDG_CONFIG_HOME` or `~/.config`; only its owner can read it.

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// What a profile is called when nobody says.
const USUAL: &str = "default";

#[derive(Debug, Clone, Default, clap::Args)]
#[command(next_help_heading = "Server")]
pub struct Connection {
    /// Server, such as https://logs.example.com. Default: that of the profile.
    #[arg(long, env = "CORDWOOD_SERVER", value_name = "URL", global = true)]
    pub server: Option<String>,
    /// API key. Default: that of the profile.
    #[arg(long, env = "CORDWOOD_TOKEN", value_name = "KEY", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// Profile of the configuration file.
    #[arg(long, env = "CORDWOOD_PROFILE", value_name = "NAME", global = true)]
    pub profile: Option<String>,
}

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profiles {
    /// Used when no profile is named.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub default: Option<String>,
    #[serde(default, rename = "profile")]
    pub profiles: BTreeMap<String, Profile>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Profile {
    pub server: String,
    pub token: String,
}

impl Connection {
    /// The server and the key that are meant.
    pub fn resolve(&self) -> Result<Profile> {
        let wanted = self.profile.as_deref();
        if let (Some(server), Some(token), None) = (&self.server, &self.token, wanted) {
            return Ok(Profile { server: server.clone(), token: token.clone() });
        }
        let path = path()?;
        let profiles = Profiles::read(&path)?;
        let name = wanted.or(profiles.default.as_deref()).unwrap_or(USUAL);
        match (profiles.profiles.get(name), &self.server, &self.token) {
            (Some(known), server, token) => {
                let server = server.clone().unwrap_or_else(|| known.server.clone());
                // A key is only for the server that it was given for.
                if server.trim_end_matches('/') != known.server.trim_end_matches('/') && token.is_none() {
                    bail!("the key of profile {name} is for {}; give a --token for {server}", known.server);
                }
                Ok(Profile { server, token: token.clone().unwrap_or_else(|| known.token.clone()) })
            }
            (None, Some(server), Some(token)) if wanted.is_none() => {
                Ok(Profile { server: server.clone(), token: token.clone() })
            }
            (None, ..) if wanted.is_some() => {
                let names: Vec<&str> = profiles.profiles.keys().map(String::as_str).collect();
                bail!("there is no profile {name} in {}; there are: {}", path.display(), names.join(", "))
            }
            _ => bail!("not signed in: run `cordwood login --server URL`, or give --server and --token"),
        }
    }

    pub fn profile_name(&self) -> &str {
        self.profile.as_deref().unwrap_or(USUAL)
    }
}

impl Profiles {
    pub fn read(path: &Path) -> Result<Self> {
        match std::fs::read_to_string(path) {
            Ok(text) => toml::from_str(&text).with_context(|| format!("{} cannot be read", path.display())),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error).with_context(|| format!("cannot read {}", path.display())),
        }
    }

    /// Writes the file anew; it is never there half.
    pub fn write(&self, path: &Path) -> Result<()> {
        let failed = || format!("cannot write {}", path.display());
        let folder = path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder).with_context(failed)?;
        let fresh = path.with_extension(format!("new-{}", std::process::id()));
        let mut options = std::fs::OpenOptions::new();
        let mut file =
            options.write(true).create(true).truncate(true).mode(0o600).open(&fresh).with_context(failed)?;
        file.write_all(toml::to_string(self)?.as_bytes())
            .and_then(|()| file.sync_all())
            .with_context(failed)?;
        std::fs::rename(&fresh, path).with_context(failed)
    }
}

pub fn path() -> Result<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    if let Some(path) = variable("CORDWOOD_CLI_CONFIG") {
        return Ok(path);
    }
    let folder = variable("XDG_CONFIG_HOME").or_else(|| variable("HOME").map(|home| home.join(".config")));
    let folder =
        folder.context("neither HOME nor CORDWOOD_CLI_CONFIG is set, so there is no configuration file")?;
    Ok(folder.join("cordwood/config.toml"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn profiles_are_read_as_they_were_written_and_only_their_owner_can() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deep/config.toml");
        let profile = Profile { server: "https://a".into(), token: "cwq_1".into() };
        let profiles =
            Profiles { default: Some("work".into()), profiles: [("work".to_owned(), profile)].into() };
        profiles.write(&path).expect("writable");
        assert_eq!(Profiles::read(&path).expect("readable"), profiles);
        let mode = std::fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(Profiles::read(&folder.path().join("none.toml")).expect("empty"), Profiles::default());
        std::fs::write(&path, "[profile.x]\nserver = 'a'\ntoken = 'b'\ncolour = 'c'\n").expect("writable");
        let error = format!("{:#}", Profiles::read(&path).expect_err("unknown key"));
        assert!(error.contains("config.toml cannot be read") && error.contains("colour"), "{error}");
    }
}
