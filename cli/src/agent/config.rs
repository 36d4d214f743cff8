//! The agent's configuration: a TOML file, checked as a whole before anything is read or sent.

use anyhow::{Context, Result, bail, ensure};
use query_lang::eval::Matcher;
use query_lang::{Catalogue, CheckContext, check, parse};
use regex::bytes::Regex;
use serde::Deserialize;
use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    server: Option<String>,
    key: Option<String>,
    key_file: Option<PathBuf>,
    #[serde(default = "usual_state")]
    state: PathBuf,
    metrics: Option<SocketAddr>,
    host: Option<String>,
    #[serde(default, rename = "source")]
    sources: Vec<SourceFile>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct SourceFile {
    #[serde(default)]
    files: Vec<String>,
    #[serde(default)]
    exclude: Vec<String>,
    #[serde(default)]
    stdin: bool,
    #[serde(default)]
    journald: bool,
    #[serde(default)]
    units: Vec<String>,
    journal: Option<PathBuf>,
    name: Option<String>,
    #[serde(default)]
    format: Format,
    #[serde(default)]
    multiline: MultilineFile,
    filter: Option<String>,
    #[serde(default)]
    start: Start,
    #[serde(default)]
    fields: BTreeMap<String, serde_json::Value>,
}

fn usual_state() -> PathBuf {
    PathBuf::from("/var/lib/cordwood-agent")
}

/// How lines are wrapped.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Told by the first line.
    #[default]
    Auto,
    Lines,
    /// Docker's json-file.
    Docker,
    /// containerd and CRI-O.
    Cri,
}

/// Where a file that is seen for the first time is read from, when the agent starts for the first time.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Start {
    #[default]
    Beginning,
    End,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum MultilineFile {
    Named(String),
    Rule { start: String },
}

impl Default for MultilineFile {
    fn default() -> Self {
        Self::Named("auto".to_owned())
    }
}

/// Which lines are one event.
#[derive(Debug, Clone)]
pub enum Multiline {
    /// Stack traces are told by their shape.
    Auto,
    /// Every line.
    Never,
    /// A line that matches begins an event.
    Start(Regex),
}

#[derive(Debug)]
pub struct Config {
    pub server: String,
    pub key: String,
    pub state: PathBuf,
    pub metrics: Option<SocketAddr>,
    pub host: String,
    pub sources: Vec<Source>,
}

#[derive(Debug)]
pub struct Source {
    pub input: Input,
    /// Source of events that say none.
    pub name: Option<String>,
    pub format: Format,
    pub multiline: Multiline,
    pub filter: Option<Matcher>,
    pub start: Start,
    pub fields: BTreeMap<String, serde_json::Value>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Input {
    Files {
        patterns: Vec<String>,
        exclude: Vec<glob::Pattern>,
    },
    Stdin,
    /// Of this machine, or in a folder that holds another's.
    Journald {
        units: Vec<String>,
        folder: Option<PathBuf>,
    },
}

impl Config {
    /// Reads and checks a file. `server` and `key` from the command line win.
    pub fn read(path: &Path, server: Option<String>, key: Option<String>) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let file: File =
            toml::from_str(&text).with_context(|| format!("{} cannot be used", path.display()))?;
        Self::check(file, server, key).with_context(|| format!("{} cannot be used", path.display()))
    }

    /// For files that are named on the command line.
    pub fn of_files(
        files: Vec<String>,
        state: PathBuf,
        server: Option<String>,
        key: Option<String>,
    ) -> Result<Self> {
        let stdin = files.iter().any(|name| name == "-");
        ensure!(!stdin || files.len() == 1, "standard input cannot be followed together with files");
        let files = if stdin { Vec::new() } else { files };
        let source = SourceFile { files, stdin, ..SourceFile::default() };
        let file = File {
            server: None,
            key: None,
            key_file: None,
            state,
            metrics: None,
            host: None,
            sources: vec![source],
        };
        Self::check(file, server, key)
    }

    fn check(file: File, server: Option<String>, key: Option<String>) -> Result<Self> {
        let key = match (key.or(file.key), &file.key_file) {
            (Some(key), _) => key,
            (None, Some(path)) => std::fs::read_to_string(path)
                .with_context(|| format!("key_file: cannot read {}", path.display()))?
                .trim()
                .to_owned(),
            (None, None) => bail!("no API key: set key or key_file, CORDWOOD_TOKEN, or --token"),
        };
        let server = server.or(file.server).context("no server: set server, CORDWOOD_SERVER, or --server")?;
        ensure!(
            !file.sources.is_empty(),
            "nothing to follow: add a [[source]] with files = [\"/var/log/*.log\"]"
        );
        let sources = file.sources.into_iter().enumerate();
        let sources: Result<Vec<Source>> = sources
            .map(|(index, source)| source.check().with_context(|| format!("source {}", index + 1)))
            .collect();
        let sources = sources?;
        let streams = sources.iter().filter(|source| source.input == Input::Stdin).count();
        ensure!(streams < 2, "only one source can be standard input");
        let host = file.host.unwrap_or_else(host_name);
        Ok(Self { server, key, state: file.state, metrics: file.metrics, host, sources })
    }
}

impl SourceFile {
    fn check(self) -> Result<Source> {
        let ways = [!self.files.is_empty(), self.stdin, self.journald];
        ensure!(
            ways.iter().filter(|way| **way).count() == 1,
            "set one of files = [\"…\"], stdin = true and journald = true"
        );
        let is_of_journald = !self.units.is_empty() || self.journal.is_some();
        ensure!(!is_of_journald || self.journald, "units and journal are for journald = true");
        for pattern in &self.files {
            glob::Pattern::new(pattern).with_context(|| format!("files: {pattern} is no pattern"))?;
        }
        let exclude: Result<Vec<glob::Pattern>, _> =
            self.exclude.iter().map(|pattern| glob::Pattern::new(pattern)).collect();
        let input = match (self.stdin, self.journald) {
            (true, _) => Input::Stdin,
            (_, true) => Input::Journald { units: self.units, folder: self.journal },
            _ => Input::Files { patterns: self.files, exclude: exclude.context("exclude: no pattern")? },
        };
        let multiline = match self.multiline {
            MultilineFile::Named(name) if name == "auto" => Multiline::Auto,
            MultilineFile::Named(name) if name == "never" => Multiline::Never,
            MultilineFile::Named(name) => {
                bail!(
                    "multiline: {name} is neither \"auto\" nor \"never\" nor {{ start = 'regular expression' }}"
                )
            }
            MultilineFile::Rule { start } => {
                Multiline::Start(Regex::new(&start).context("multiline: start")?)
            }
        };
        let filter = self.filter.as_deref().map(matcher).transpose()?;
        Ok(Source {
            input,
            name: self.name,
            format: self.format,
            multiline,
            filter,
            start: self.start,
            fields: self.fields,
        })
    }
}

/// A filter of the query language, without stages.
fn matcher(query: &str) -> Result<Matcher> {
    let refused = |error| crate::diagnostic::QueryError::of(query, &error);
    let parsed = parse(query).map_err(refused).context("filter")?;
    ensure!(parsed.query.stages.is_empty(), "filter: stages such as | stats are not possible here");
    let context = CheckContext {
        now_ns: 0,
        from_ns: i64::MIN / 2,
        to_ns: i64::MAX / 2,
        time_zone: jiff::tz::TimeZone::UTC,
    };
    let checked = check(&parsed.query, &Catalogue::default(), &context).map_err(refused).context("filter")?;
    Matcher::of(checked.query.filter.as_ref()).map_err(refused).context("filter")
}

fn host_name() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    name.trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(text: &str) -> Result<Config> {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("agent.toml");
        std::fs::write(&path, text).expect("writable");
        Config::read(&path, Some("http://localhost".into()), Some("cwi_x".into()))
    }

    #[test]
    fn a_source_has_files_a_name_fields_and_a_filter() {
        let config = config(
            "[[source]]\nfiles = ['/var/log/app/*.log']\nname = 'app'\nfilter = '-level:debug'\n\
             multiline = { start = '^\\d{4}-' }\nfields = { env = 'prod', zone = 3 }\n[[source]]\njournald = true\n",
        )
        .expect("right");
        assert_eq!(config.sources.len(), 2);
        assert!(
            matches!(config.sources[0].multiline, Multiline::Start(_)) && config.sources[0].filter.is_some()
        );
        assert_eq!(config.sources[0].fields["zone"], 3);
    }

    #[test]
    fn mistakes_are_told_with_their_place() {
        for (text, message) in [
            ("", "nothing to follow"),
            ("[[source]]\nfile = ['a']\n", "unknown field `file`"),
            ("[[source]]\nfiles = ['a']\nstdin = true\n", "source 1: set one of"),
            (
                "[[source]]\nfiles = ['a']\n[[source]]\nfiles = ['b']\nfilter = 'level:eror'\n",
                "source 2: filter: error[E023]",
            ),
            ("[[source]]\nfiles = ['a']\nfilter = 'x | stats count()'\n", "stages such as | stats"),
            ("[[source]]\nfiles = ['a']\nmultiline = 'sometimes'\n", "neither \"auto\" nor \"never\""),
            ("[[source]]\nfiles = ['a']\nmultiline = { start = '(' }\n", "multiline: start"),
        ] {
            let error = format!("{:#}", config(text).expect_err(text));
            assert!(error.contains("agent.toml cannot be used") && error.contains(message), "{error}");
        }
    }
}
