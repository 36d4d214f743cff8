//! What the commands look like that ask a server, on a terminal and for other programs. That the answers are those of the real
//! one is tested there.

use crate::canned::{self, JSON};
use crate::run::{Shown, cordwood, shown_by};
use serde_json::{Value, json};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// The program with a home of its own, and a server that knows these answers.
struct Session {
    home: TempDir,
    server: String,
}

impl Session {
    fn with(answers: Vec<canned::Answer>) -> Self {
        Self { home: tempfile::tempdir().expect("a folder"), server: canned::start(answers) }
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = cordwood(arguments);
        command
            .current_dir(self.home.path())
            .env("CORDWOOD_CLI_CONFIG", self.home.path().join("config.toml"));
        command.env("USER", "olive").stdin(Stdio::null());
        command
    }

    /// As somebody who has given a key.
    fn signed_in(&self, arguments: &[&str]) -> Command {
        let mut command = self.command(arguments);
        command.env("CORDWOOD_SERVER", &self.server).env("CORDWOOD_TOKEN", "cwa_test");
        command
    }

    /// Standard output and standard error of a command that ends well, for programs.
    fn piped(&self, arguments: &[&str]) -> (String, String) {
        let output = self.signed_in(arguments).output().expect("it runs");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text");
        assert!(output.status.success(), "{arguments:?}: {}", text(output.stderr));
        (text(output.stdout), text(output.stderr))
    }

    /// Both on a terminal.
    fn shown(&self, arguments: &[&str]) -> String {
        let Shown { text, status } = shown_by(self.signed_in(arguments));
        assert_eq!(status, Some(0), "{arguments:?}: {text}");
        text
    }
}

fn list(items: Value) -> String {
    json!({"items": items, "next_cursor": null}).to_string()
}

fn rule() -> Value {
    json!({
        "id": "r-1", "name": "5xx spike", "severity": "critical", "query": "level:error", "window": "5m", "every": "1m",
        "condition": {"op": ">", "threshold": 10}, "state": "firing", "state_since": "2026-03-10T10:00:00Z", "last_value": 15.0,
        "last_evaluated_at": null, "created_at": "2026-03-01T10:00:00Z", "updated_at": "2026-03-01T10:00:00Z",
    })
}

#[test]
fn keys() {
    let key = json!({
        "id": "k-1", "name": "shipper", "project_id": "p-1", "scopes": ["ingest"], "prefix": "cwi_0123456789ab",
        "created_at": "2026-03-01T10:00:00Z", "expires_at": null, "last_used_at": null,
    });
    let mut created = key.clone();
    created["secret"] = json!("cwi_0123456789abcdef");
    let project = json!({"id": "p-1", "name": "default", "retention_days": 30});
    let session = Session::with(vec![
        ("GET /api/v1/api-keys", JSON, list(json!([key]))),
        ("GET /api/v1/projects", JSON, list(json!([project]))),
        ("POST /api/v1/api-keys", JSON, created.to_string()),
        ("DELETE /api/v1/api-keys/k-1", JSON, String::new()),
    ]);
    let header = "name     scopes  prefix            created_at            last_used_at  expires_at  id";
    let row = "shipper  ingest  cwi_0123456789ab  2026-03-01T10:00:00Z  -             -           k-1";
    assert_eq!(session.piped(&["keys", "list"]).0, format!("{header}\n{row}\n"));
    assert_eq!(session.shown(&["keys", "list"]), format!("\x1b[1m{header}\x1b[0m\n{row}\n"));
    for (arguments, said) in [
        (["keys", "create", "shipper"], "cwi_0123456789abcdef\n"),
        (["keys", "delete", "shipper"], "deleted shipper\n"),
    ] {
        assert_eq!(session.piped(&arguments), (said.to_owned(), String::new()));
        assert_eq!(session.shown(&arguments), said);
    }
}

#[test]
fn alerts() {
    let yaml = "rules:\n- name: 5xx spike\n";
    let applied = json!({"dry_run": false, "created": ["5xx spike"], "changed": [], "unchanged": ["disk"]});
    let session = Session::with(vec![
        ("GET /api/v1/alert-rules", JSON, list(json!([rule()]))),
        ("GET /api/v1/alert-rules/export", "application/yaml", yaml.to_owned()),
        ("POST /api/v1/alert-rules/import", JSON, applied.to_string()),
        ("POST /api/v1/alert-rules/r-1/mute", JSON, rule().to_string()),
    ]);
    let header = "state   name       severity  value  since                 muted_until  id";
    let row = "firing  5xx spike  critical     15  2026-03-10T10:00:00Z  -            r-1";
    assert_eq!(session.piped(&["alerts", "list"]).0, format!("{header}\n{row}\n"));
    assert_eq!(session.shown(&["alerts", "list"]), format!("\x1b[1m{header}\x1b[0m\n{row}\n"));
    std::fs::write(session.home.path().join("alerts.yaml"), yaml).expect("writable");
    for (arguments, said) in [
        (vec!["alerts", "export"], yaml),
        (vec!["alerts", "apply", "alerts.yaml"], "created 5xx spike\nunchanged disk\n"),
        (vec!["alerts", "apply", "--dry-run", "alerts.yaml"], "would be created 5xx spike\nunchanged disk\n"),
        (vec!["alerts", "pull", "rules"], "rules/5xx-spike.json\n"),
    ] {
        assert_eq!(session.piped(&arguments), (said.to_owned(), String::new()));
        assert_eq!(session.shown(&arguments), said);
    }
    let muted = session.piped(&["alerts", "mute", "5xx spike"]).0;
    assert!(muted.starts_with("5xx spike is muted until 2"), "{muted}");
    assert!(session.shown(&["alerts", "mute", "5xx spike"]).starts_with("5xx spike is muted until 2"));
}

#[test]
fn an_export() {
    let rows = "{\"message\":\"a\"}\n{\"message\":\"b\"}\n";
    let session = Session::with(vec![("POST /api/v1/logs/export", "application/x-ndjson", rows.to_owned())]);
    let to_file = ["export", "level:error", "-o", "errors.ndjson", "--force"];
    assert_eq!(session.piped(&["export", "level:error"]), (rows.to_owned(), String::new()));
    assert_eq!(session.shown(&["export", "level:error"]), rows);
    assert_eq!(session.piped(&to_file), (String::new(), "32 bytes\n".to_owned()));
    // So little has come before progress is shown for the first time.
    assert_eq!(session.shown(&to_file), "\r\x1b[K32 bytes\n");
    assert_eq!(std::fs::read_to_string(session.home.path().join("errors.ndjson")).expect("written"), rows);
}

#[test]
fn a_login_and_a_logout() {
    let codes = json!({
        "device_code": "d", "user_code": "WDJB-MJHT", "verification_uri": "https://logs.example.com/device",
        "verification_uri_complete": "https://logs.example.com/device?code=WDJB-MJHT", "expires_in": 600, "interval": 1,
    });
    let token = json!({
        "access_token": "cwq_test", "token_type": "Bearer", "expires_in": 7_776_000, "scope": "query ingest",
        "organization": "Acme", "project": "default",
    });
    let session = Session::with(vec![
        ("POST /api/v1/auth/device", JSON, codes.to_string()),
        ("POST /api/v1/auth/device/token", JSON, token.to_string()),
        ("POST /api/v1/auth/device/revoke", JSON, String::new()),
        ("POST /api/v1/query/check", JSON, "{}".to_owned()),
    ]);
    let config = session.home.path().join("config.toml").display().to_string();
    let log_in = ["login", "--no-browser", "--server", &session.server];
    let asked = "Open https://logs.example.com/device?code=WDJB-MJHT\nand confirm the code WDJB-MJHT\n";
    let kept = format!(
        "signed in to Acme, project default; the key may search, send logs; profile default is kept in {config}\n"
    );
    let gone = format!("logged out of {}; profile default is gone from {config}\n", session.server);

    let output = session.command(&log_in).output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stderr), asked);
    assert_eq!(String::from_utf8_lossy(&output.stdout), kept);
    let output = session.command(&["logout"]).output().expect("it runs");
    assert_eq!(
        (String::from_utf8_lossy(&output.stdout), output.status.code()),
        (gone.as_str().into(), Some(0))
    );

    let colored = "Open \x1b[4mhttps://logs.example.com/device?code=WDJB-MJHT\x1b[0m\nand confirm the code \x1b[1mWDJB-MJHT\x1b[0m\n";
    assert_eq!(shown_by(session.command(&log_in)).text, format!("{colored}{kept}"));
    assert_eq!(shown_by(session.command(&["logout"])).text, gone);
    let with_key = ["login", "--server", &session.server, "--token", "cwq_test"];
    assert_eq!(
        shown_by(session.command(&with_key)).text,
        format!("the key may search; profile default is kept in {config}\n")
    );
}

#[test]
fn a_demo() {
    let organization = json!({"id": "o-1", "name": "Demo shop", "slug": "demo-shop"});
    let user =
        json!({"id": "u-1", "email": "demo@cordwood.example", "name": "Demo", "email_verified": false});
    let project = json!({"id": "p-1", "name": "default", "retention_days": 30});
    let signed_up = json!({
        "access_token": "t", "token_type": "Bearer", "expires_in": 900, "user": user, "organization": organization, "role": "owner",
        "projects": [project],
    });
    let key = json!({
        "id": "k-1", "name": "demo logs", "project_id": "p-1", "scopes": ["ingest"], "prefix": "cwi_0123456789ab",
        "created_at": "2026-03-01T10:00:00Z", "expires_at": null, "last_used_at": null, "secret": "cwi_0123456789abcdef",
    });
    let session = Session::with(vec![
        ("POST /api/v1/auth/signup", JSON, signed_up.to_string()),
        ("POST /api/v1/auth/login", JSON, signed_up.to_string()),
        ("POST /api/v1/api-keys", JSON, key.to_string()),
    ]);
    // Its logs are refused by this server, and it ends with that: the account has been remembered by then.
    let arguments = ["demo", "--url", &session.server];
    let Shown { text, status } = shown_by(session.command(&arguments));
    assert!(status == Some(2) && text.contains("404"), "{status:?} {text}");
    let account = std::fs::read(session.home.path().join("demo-account.json")).expect("remembered");
    let account: Value = serde_json::from_slice(&account).expect("JSON");
    let (email, password) = (account["email"].as_str(), account["password"].as_str());
    let (email, password) = (email.expect("an address"), password.expect("a password"));
    let first = crate::run::first_lines(session.command(&arguments), 2);
    assert_eq!(
        first,
        format!("demo account: {email}  password: {password}\nsign in at {}/login\n", session.server)
    );
}
