//! Typed settings: flag over environment over file over default. An unknown key anywhere is an error.
//!
//! Each setting has one name: `listen` in `cordwood.toml`, `CORDWOOD_LISTEN` in the environment, `--listen` as a flag.
//! Units ride in the name. `reference()` is the table in docs/configuration.md; a test holds them equal.

use clap::{Args, CommandFactory, FromArgMatches, Parser};
use secrecy::SecretString;
use serde::Deserialize;
use std::net::SocketAddr;
use std::path::PathBuf;

#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    #[error("cannot read the settings file {path}")]
    Read {
        path: PathBuf,
        #[source]
        source: std::io::Error,
    },
    #[error("the settings file {path} is not valid: {source}")]
    Parse {
        path: PathBuf,
        #[source]
        source: Box<toml::de::Error>,
    },
    #[error("unknown setting in the environment: {0} (see `cordwood-server --help` for the known ones)")]
    UnknownVariable(String),
    #[error("{0}")]
    Refused(String),
    #[error(transparent)]
    Usage(#[from] clap::Error),
}

/// Declares the settings once: the struct with values, the one with options for flags, environment and file, and the reference.
macro_rules! settings {
    ($( $(#[doc = $doc:literal])+ $name:ident : $kind:ty = $default:expr, $shown:literal, $variable:literal; )+) => {
        /// Every setting with its value in force.
        #[derive(Debug, Clone)]
        pub struct Settings { $( $(#[doc = $doc])+ pub $name: $kind, )+ }

        #[derive(Debug, Default, Args, Deserialize)]
        #[serde(deny_unknown_fields)]
        struct Layer {
            $( $(#[doc = $doc])+ #[arg(long, env = $variable, hide_env_values = true)] $name: Option<$kind>, )+
        }

        impl Layer {
            fn over(self, below: Layer) -> Layer {
                Layer { $( $name: self.$name.or(below.$name), )+ }
            }

            fn with_defaults(self) -> Settings {
                Settings { $( $name: self.$name.unwrap_or_else(|| $default), )+ }
            }
        }

        const VARIABLES: &[&str] = &[$( $variable, )+];

        /// The settings as rows of (name, default, meaning).
        #[must_use]
        pub fn reference() -> Vec<(&'static str, &'static str, String)> {
            vec![$( (stringify!($name), $shown, [$( $doc.trim() ),+].join(" ")), )+]
        }
    };
}

/// Text that must not be printed; empty means "not set".
pub type Secret = SecretString;

const DEFAULT_OTLP_GRPC: &str = "127.0.0.1:4317";
const DEFAULT_SYSLOG: &str = "127.0.0.1:5514";

settings! {
    /// Address of the web UI and the HTTP API.
    listen: SocketAddr = SocketAddr::from(([127, 0, 0, 1], 8080)), "127.0.0.1:8080", "CORDWOOD_LISTEN";
    /// Address that people and mails use, without a slash at the end. Derived from `listen` when empty.
    public_url: String = String::new(), "", "CORDWOOD_PUBLIC_URL";
    /// Certificate chain for https and OTLP over gRPC, a PEM file. It is read again when it changes. Without it there is no TLS here: put a proxy in front.
    tls_certificate: PathBuf = PathBuf::new(), "", "CORDWOOD_TLS_CERTIFICATE";
    /// Key of that certificate, a PEM file that others cannot read.
    tls_certificate_key: PathBuf = PathBuf::new(), "", "CORDWOOD_TLS_CERTIFICATE_KEY";
    /// Folder for everything that is kept on this machine: write-ahead log, embedded databases, keys, mails.
    data_dir: PathBuf = PathBuf::from("data"), "data", "CORDWOOD_DATA_DIR";
    /// Metadata: `sqlite://path` or `postgres://…`. A SQLite file in the data folder when empty.
    database_url: Secret = Secret::from(""), "", "CORDWOOD_DATABASE_URL";
    /// Connections to the metadata database.
    database_connections: u32 = 10, "10", "CORDWOOD_DATABASE_CONNECTIONS";
    /// ClickHouse's HTTP address, with user and password: `http://user:password@host:8123/database`. The embedded engine when empty.
    clickhouse_url: Secret = Secret::from(""), "", "CORDWOOD_CLICKHOUSE_URL";
    /// The embedded engine's program; beside the server's own when empty.
    engine_program: PathBuf = PathBuf::new(), "", "CORDWOOD_ENGINE_PROGRAM";
    /// libchdb.so for the embedded engine; looked for in `node_modules` and beside the server when empty.
    engine_library: PathBuf = PathBuf::new(), "", "CORDWOOD_ENGINE_LIBRARY";
    /// Memory that the embedded engine may use, in bytes; 0 lets it choose.
    engine_memory_bytes: u64 = 0, "0", "CORDWOOD_ENGINE_MEMORY_BYTES";
    /// Mail server: `smtp://user:password@host:587` (STARTTLS is demanded when there is a password, else used when offered; with `?tls=none` never), `smtps://…`. Mails are files in `<data_dir>/mail` when empty.
    smtp_url: Secret = Secret::from(""), "", "CORDWOOD_SMTP_URL";
    /// Sender of every mail.
    mail_from: String = "Cordwood <cordwood@localhost>".into(), "Cordwood <cordwood@localhost>", "CORDWOOD_MAIL_FROM";
    /// What this node does: any of `ingest,query,alerts`.
    roles: String = "ingest,query,alerts".into(), "ingest,query,alerts", "CORDWOOD_ROLES";
    /// Name of this node in deduplication tokens and leases; made once and kept in the data folder when empty.
    node_name: String = String::new(), "", "CORDWOOD_NODE_NAME";
    /// Key that signs access tokens, at least 32 characters. Made once and kept in the data folder when empty; set it when several nodes share one database.
    token_secret: Secret = Secret::from(""), "", "CORDWOOD_TOKEN_SECRET";
    /// Key that seals the secrets of notification channels, at least 32 characters. Made once and kept in the data folder when empty; set it when several nodes share one database.
    sealing_secret: Secret = Secret::from(""), "", "CORDWOOD_SEALING_SECRET";
    /// An OpenID Connect provider by which people may sign in: its issuer, as in `https://login.example.com`. None when empty.
    oidc_issuer: String = String::new(), "", "CORDWOOD_OIDC_ISSUER";
    /// What the provider calls this installation.
    oidc_client_id: String = String::new(), "", "CORDWOOD_OIDC_CLIENT_ID";
    /// The secret that goes with it; empty for a public client.
    oidc_client_secret: Secret = Secret::from(""), "", "CORDWOOD_OIDC_CLIENT_SECRET";
    /// The provider's name on the login page.
    oidc_name: String = "single sign-on".into(), "single sign-on", "CORDWOOD_OIDC_NAME";
    /// What is asked of the provider.
    oidc_scopes: String = "openid email profile".into(), "openid email profile", "CORDWOOD_OIDC_SCOPES";
    /// Client id for signing in with Google. Not offered when empty.
    google_client_id: String = String::new(), "", "CORDWOOD_GOOGLE_CLIENT_ID";
    /// The secret that goes with it.
    google_client_secret: Secret = Secret::from(""), "", "CORDWOOD_GOOGLE_CLIENT_SECRET";
    /// Client id for signing in with GitHub. Not offered when empty.
    github_client_id: String = String::new(), "", "CORDWOOD_GITHUB_CLIENT_ID";
    /// The secret that goes with it.
    github_client_secret: Secret = Secret::from(""), "", "CORDWOOD_GITHUB_CLIENT_SECRET";
    /// Where GitHub is; an own GitHub Enterprise Server, for instance.
    github_url: String = "https://github.com".into(), "https://github.com", "CORDWOOD_GITHUB_URL";
    /// Where its API is: `https://<server>/api/v3` of a GitHub Enterprise Server.
    github_api_url: String = "https://api.github.com".into(), "https://api.github.com", "CORDWOOD_GITHUB_API_URL";
    /// Private networks that webhooks, Slack channels and identity providers may be reached in, as in `10.0.0.0/8, 127.0.0.1`. None when empty.
    outbound_allow_networks: String = String::new(), "", "CORDWOOD_OUTBOUND_ALLOW_NETWORKS";
    /// Where events for PagerDuty go.
    pagerduty_url: String = "https://events.pagerduty.com/v2/enqueue".into(), "https://events.pagerduty.com/v2/enqueue", "CORDWOOD_PAGERDUTY_URL";
    /// Days that a new project keeps its logs: 1, 3, 7, 14, 30, 90, 180 or 365.
    default_retention_days: u16 = 30, "30", "CORDWOOD_DEFAULT_RETENTION_DAYS";
    /// Whether strangers may sign up.
    signup_open: bool = true, "true", "CORDWOOD_SIGNUP_OPEN";
    /// Sign-ups per hour from one address; 0 switches the limit off.
    signup_per_hour: u32 = 5, "5", "CORDWOOD_SIGNUP_PER_HOUR";
    /// Failed logins per quarter of an hour for one account from one address; 0 switches the limit off.
    login_failures: u32 = 5, "5", "CORDWOOD_LOGIN_FAILURES";
    /// Invitations per hour that an organization mails; 0 switches the limit off.
    invitations_per_hour: u32 = 20, "20", "CORDWOOD_INVITATIONS_PER_HOUR";
    /// Days that the audit log keeps who did what.
    audit_retention_days: u32 = 400, "400", "CORDWOOD_AUDIT_RETENTION_DAYS";
    /// Days that alerts keep their history: transitions, notifications and attempts to deliver them.
    alert_history_days: u32 = 90, "90", "CORDWOOD_ALERT_HISTORY_DAYS";
    /// Seconds between asking for an erasure, or for the deletion of a project, and its start: so long it can be cancelled.
    erasure_delay_s: u32 = 600, "600", "CORDWOOD_ERASURE_DELAY_S";
    /// Days between asking for the deletion of an organization and its start.
    deletion_grace_days: u32 = 7, "7", "CORDWOOD_DELETION_GRACE_DAYS";
    /// Seconds between two rounds that take out what has outlived its project's retention.
    retention_sweep_s: u32 = 3600, "3600", "CORDWOOD_RETENTION_SWEEP_S";
    /// Ingested bytes per second and organization; 0 switches the limit off.
    ingest_bytes_per_second: u64 = 10_000_000, "10000000", "CORDWOOD_INGEST_BYTES_PER_SECOND";
    /// Ingested events per second and organization; 0 switches the limit off.
    ingest_events_per_second: u64 = 10_000, "10000", "CORDWOOD_INGEST_EVENTS_PER_SECOND";
    /// Events that one organization may store per day (UTC), unless its plan says otherwise; 0 is no limit.
    quota_daily_events: u64 = 0, "0", "CORDWOOD_QUOTA_DAILY_EVENTS";
    /// Bytes that one organization may store per day (UTC), counted after decoding, unless its plan says otherwise; 0 is no limit.
    quota_daily_bytes: u64 = 0, "0", "CORDWOOD_QUOTA_DAILY_BYTES";
    /// Days for which a project may keep logs at most, unless the organization's plan says otherwise; 0 is no limit.
    quota_retention_days: u64 = 0, "0", "CORDWOOD_QUOTA_RETENTION_DAYS";
    /// Members that one organization may have, unless its plan says otherwise; 0 is no limit.
    quota_members: u64 = 0, "0", "CORDWOOD_QUOTA_MEMBERS";
    /// Address of OTLP over gRPC; `off` for none. While another program has the default one, there is none.
    otlp_grpc_listen: String = DEFAULT_OTLP_GRPC.into(), "127.0.0.1:4317", "CORDWOOD_OTLP_GRPC_LISTEN";
    /// Address of syslog over TCP, TLS and UDP; `off` for none. While another program has the default one, there is none.
    syslog_listen: String = DEFAULT_SYSLOG.into(), "127.0.0.1:5514", "CORDWOOD_SYSLOG_LISTEN";
    /// Certificate chain for syslog over TLS, a PEM file. Without it there is no TLS.
    syslog_certificate: PathBuf = PathBuf::new(), "", "CORDWOOD_SYSLOG_CERTIFICATE";
    /// Key of that certificate, a PEM file.
    syslog_certificate_key: PathBuf = PathBuf::new(), "", "CORDWOOD_SYSLOG_CERTIFICATE_KEY";
    /// Bytes of the write-ahead log beyond which ingest answers 503.
    wal_capacity_bytes: u64 = 10 << 30, "10737418240", "CORDWOOD_WAL_CAPACITY_BYTES";
    /// Bytes of the disk that the write-ahead log leaves free; below it ingest answers 503.
    wal_reserve_bytes: u64 = 1 << 30, "1073741824", "CORDWOOD_WAL_RESERVE_BYTES";
    /// The same in percent of the disk; the larger of the two counts.
    wal_reserve_percent: u64 = 5, "5", "CORDWOOD_WAL_RESERVE_PERCENT";
    /// Bytes of one write-ahead log segment.
    wal_segment_bytes: u64 = 64 << 20, "67108864", "CORDWOOD_WAL_SEGMENT_BYTES";
    /// Searches of one organization that run at once.
    search_concurrency: u32 = 4, "4", "CORDWOOD_SEARCH_CONCURRENCY";
    /// Seconds that a search may run.
    search_timeout_s: u64 = 30, "30", "CORDWOOD_SEARCH_TIMEOUT_S";
    /// Bytes of memory for answers of searches, which are given again while no event of their time came or went; 0 for none.
    search_cache_bytes: u64 = 64 << 20, "67108864", "CORDWOOD_SEARCH_CACHE_BYTES";
    /// Live tails of one organization that are open at once.
    tails_per_organization: u32 = 50, "50", "CORDWOOD_TAILS_PER_ORGANIZATION";
    /// Live tails of this node that are open at once.
    tails_per_node: u32 = 1000, "1000", "CORDWOOD_TAILS_PER_NODE";
    /// Matches per second beyond which a live tail shows a uniform sample, and says so.
    tail_events_per_second: u32 = 1000, "1000", "CORDWOOD_TAIL_EVENTS_PER_SECOND";
    /// Seconds that a stop waits for running requests.
    shutdown_timeout_s: u64 = 25, "25", "CORDWOOD_SHUTDOWN_TIMEOUT_S";
    /// What is logged, as in `info,cordwood_server=debug`.
    log: String = "info".into(), "info", "CORDWOOD_LOG";
    /// `text` or `json`.
    log_format: String = "text".into(), "text", "CORDWOOD_LOG_FORMAT";
    /// Allow cookies without TLS on an address that is not loopback. Only behind a proxy that speaks TLS.
    allow_plain_http: bool = false, "false", "CORDWOOD_ALLOW_PLAIN_HTTP";
    /// Proxies whose `X-Forwarded-For` is believed, comma-separated addresses (no networks).
    trusted_proxies: String = String::new(), "", "CORDWOOD_TRUSTED_PROXIES";
}

/// Cordwood: a log service that a team signs up for.
#[derive(Debug, Parser)]
#[command(name = "cordwood-server", version)]
struct CommandLine {
    /// A TOML file with settings.
    #[arg(long = "config", env = "CORDWOOD_CONFIG")]
    file: Option<PathBuf>,
    #[command(flatten)]
    settings: Layer,
}

/// Reads flags, environment and file of this process.
///
/// # Errors
/// An unknown or malformed setting, an unreadable file, or a combination that is not safe.
pub fn load() -> Result<Settings, ConfigError> {
    load_from(std::env::args_os(), std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

/// Reads the same settings for a command of the operator, from the arguments that are left.
///
/// # Errors
/// As `load`.
pub fn load_with(arguments: impl Iterator<Item = String>) -> Result<Settings, ConfigError> {
    let arguments = std::iter::once("cordwood-server".to_owned()).chain(arguments).map(Into::into);
    load_from(arguments, std::env::vars_os().filter_map(|(name, _)| name.into_string().ok()))
}

fn load_from(
    arguments: impl Iterator<Item = std::ffi::OsString>,
    variables: impl Iterator<Item = String>,
) -> Result<Settings, ConfigError> {
    refuse_unknown(variables)?;
    let matches = CommandLine::command().try_get_matches_from(arguments)?;
    let line = CommandLine::from_arg_matches(&matches)?;
    let file = match &line.file {
        Some(path) => read_file(path)?,
        None => Layer::default(),
    };
    line.settings.over(file).with_defaults().checked()
}

/// What `cordwood` and its agent read: they may run in the same shell.
const OF_COMMAND_LINE: [&str; 5] =
    ["CORDWOOD_SERVER", "CORDWOOD_TOKEN", "CORDWOOD_KEY", "CORDWOOD_PROFILE", "CORDWOOD_CLI_CONFIG"];

fn refuse_unknown(variables: impl Iterator<Item = String>) -> Result<(), ConfigError> {
    let known = |name: &String| {
        let name = name.as_str();
        VARIABLES.contains(&name)
            || name == "CORDWOOD_CONFIG"
            || OF_COMMAND_LINE.contains(&name)
            || (cfg!(debug_assertions) && name == failpoint::VARIABLE)
    };
    match variables.filter(|name| name.starts_with("CORDWOOD_")).find(|name| !known(name)) {
        Some(name) => Err(ConfigError::UnknownVariable(name)),
        None => Ok(()),
    }
}

fn read_file(path: &PathBuf) -> Result<Layer, ConfigError> {
    let text =
        std::fs::read_to_string(path).map_err(|source| ConfigError::Read { path: path.clone(), source })?;
    toml::from_str(&text)
        .map_err(|source| ConfigError::Parse { path: path.clone(), source: Box::new(source) })
}

impl Settings {
    /// The address for links, never with a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.public_url.is_empty() {
            let scheme = if self.has_certificate() { "https" } else { "http" };
            format!("{scheme}://{}", self.listen)
        } else {
            self.public_url.trim_end_matches('/').to_owned()
        }
    }

    /// Whether this server speaks TLS itself.
    #[must_use]
    pub fn has_certificate(&self) -> bool {
        !self.tls_certificate.as_os_str().is_empty()
    }

    /// Whether cookies can be `Secure`: browsers treat loopback as secure too, but only by name.
    #[must_use]
    pub fn serves_tls(&self) -> bool {
        self.public_url().starts_with("https://")
    }

    /// Where gRPC is listened to, and whether that was asked for.
    ///
    /// # Errors
    /// When it is no address.
    pub fn otlp_grpc(&self) -> Result<Option<(SocketAddr, bool)>, ConfigError> {
        address("otlp_grpc_listen", &self.otlp_grpc_listen, DEFAULT_OTLP_GRPC)
    }

    /// Where syslog is listened to, and whether that was asked for.
    ///
    /// # Errors
    /// When it is no address.
    pub fn syslog(&self) -> Result<Option<(SocketAddr, bool)>, ConfigError> {
        address("syslog_listen", &self.syslog_listen, DEFAULT_SYSLOG)
    }

    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.split(',').any(|each| each.trim() == role)
    }

    fn checked(self) -> Result<Self, ConfigError> {
        use secrecy::ExposeSecret;
        let refuse = |text: &str| Err(ConfigError::Refused(text.to_owned()));
        let token_characters = self.token_secret.expose_secret().len();
        if token_characters > 0 && token_characters < 32 {
            return refuse("token_secret is too short: give at least 32 random characters");
        }
        let sealing_characters = self.sealing_secret.expose_secret().len();
        if sealing_characters > 0 && sealing_characters < 32 {
            return refuse("sealing_secret is too short: give at least 32 random characters");
        }
        if let Some(unknown) =
            self.roles.split(',').map(str::trim).find(|role| !["ingest", "query", "alerts"].contains(role))
        {
            return refuse(&format!("roles: `{unknown}` is not one of ingest, query, alerts"));
        }
        if !RETENTIONS_DAYS.contains(&self.default_retention_days) {
            return refuse(&format!("default_retention_days must be one of {RETENTIONS_DAYS:?}"));
        }
        if self.alert_history_days == 0 {
            return refuse("alert_history_days must be at least 1");
        }
        if self.quota_retention_days > 0 && u64::from(self.default_retention_days) > self.quota_retention_days
        {
            return refuse(
                "default_retention_days is more than quota_retention_days: new projects could not be made",
            );
        }
        self.otlp_grpc()?;
        self.syslog()?;
        if self.has_certificate() && !self.serves_tls() {
            return refuse("there is a tls_certificate, but public_url does not begin with https://");
        }
        if !self.listen.ip().is_loopback() && !self.serves_tls() && !self.allow_plain_http {
            return refuse(
                "listen is not a loopback address and public_url is not https: sessions could be read on the way. \
                 Set tls_certificate, or put a TLS proxy in front and set public_url, or set allow_plain_http",
            );
        }
        Ok(self)
    }
}

/// `off` or empty for none.
fn address(name: &str, text: &str, default: &str) -> Result<Option<(SocketAddr, bool)>, ConfigError> {
    match text.trim() {
        "" | "off" => Ok(None),
        address => match address.parse() {
            Ok(parsed) => Ok(Some((parsed, address != default))),
            Err(_) => Err(ConfigError::Refused(format!(
                "{name}: `{address}` is no address; give an IP and a port such as 0.0.0.0:4317, or `off`"
            ))),
        },
    }
}

/// The defaults, for tests of what takes settings.
#[cfg(test)]
#[must_use]
pub fn defaults_for_tests() -> Settings {
    Layer::default().with_defaults()
}

/// Retentions come from a short list, so that ClickHouse's partitions stay few.
pub const RETENTIONS_DAYS: &[u16] = &[1, 3, 7, 14, 30, 90, 180, 365];

#[cfg(test)]
mod tests {
    use super::*;

    fn load_of(arguments: &[&str], variables: &[&str]) -> Result<Settings, ConfigError> {
        let arguments = std::iter::once("cordwood-server").chain(arguments.iter().copied());
        load_from(arguments.map(Into::into), variables.iter().map(|name| (*name).to_owned()))
    }

    #[test]
    fn a_flag_wins_over_the_file_and_the_file_over_the_default() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cordwood.toml");
        std::fs::write(&file, "mail_from = \"a@b.example\"\nsearch_timeout_s = 7\n").unwrap();

        let settings =
            load_of(&["--config", file.to_str().unwrap(), "--search-timeout-s", "9"], &[]).unwrap();

        assert_eq!(settings.search_timeout_s, 9);
        assert_eq!(settings.mail_from, "a@b.example");
        assert_eq!(settings.default_retention_days, 30);
    }

    #[test]
    fn unknown_settings_are_errors_wherever_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cordwood.toml");
        std::fs::write(&file, "mail_form = \"a@b.example\"\n").unwrap();

        assert!(load_of(&["--config", file.to_str().unwrap()], &[]).is_err());
        assert!(load_of(&["--mail-form", "x"], &[]).is_err());
        assert!(load_of(&[], &["CORDWOOD_MAIL_FORM"]).is_err());
        assert!(load_of(&[], &["CORDWOOD_MAIL_FROM", "HOME"]).is_ok());
    }

    #[test]
    fn unsafe_combinations_are_refused() {
        assert!(load_of(&["--listen", "0.0.0.0:80"], &[]).is_err());
        assert!(load_of(&["--listen", "0.0.0.0:80", "--public-url", "https://logs.example"], &[]).is_ok());
        let certificate = ["--tls-certificate", "a.pem", "--tls-certificate-key", "a.key"];
        assert!(load_of(&[&certificate[..], &["--listen", "0.0.0.0:443"]].concat(), &[]).is_ok());
        assert!(
            load_of(&[&certificate[..], &["--public-url", "http://logs.example"]].concat(), &[]).is_err()
        );
        assert!(load_of(&["--token-secret", "short"], &[]).is_err());
        assert!(load_of(&["--default-retention-days", "31"], &[]).is_err());
        assert!(load_of(&["--alert-history-days", "0"], &[]).is_err());
        assert!(load_of(&["--quota-retention-days", "29"], &[]).is_err());
        assert!(load_of(&["--quota-retention-days", "7", "--default-retention-days", "7"], &[]).is_ok());
        assert!(load_of(&["--roles", "ingest,search"], &[]).is_err());
        assert!(load_of(&["--syslog-listen", "5514"], &[]).is_err());
    }

    /// `UPDATE_DOCS=1` writes the page instead.
    #[test]
    fn the_page_about_configuration_lists_every_setting() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/configuration.md");
        let mut expected = String::from(
            "# Configuration\n\nEach setting can be given as a flag (`--data-dir`), in the environment (`CORDWOOD_DATA_DIR`) or in a TOML file\n\
             (`data_dir = …`, named by `--config` or `CORDWOOD_CONFIG`); the first of these wins. An unknown name anywhere is an error.\n\n\
             | setting | default | meaning |\n|---|---|---|\n",
        );
        for (name, default, meaning) in reference() {
            let shown = if default.is_empty() { String::new() } else { format!("`{default}`") };
            expected.push_str(&format!("| `{name}` | {shown} | {} |\n", meaning.replace('|', "\\|")));
        }
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, &expected).unwrap();
        }
        assert_eq!(
            std::fs::read_to_string(path).unwrap(),
            expected,
            "run with UPDATE_DOCS=1 to write it anew"
        );
    }
}
