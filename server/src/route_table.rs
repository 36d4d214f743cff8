//! Every route, and who may call it.
//!
//! A test holds this table equal to what is registered, so a new route must be named here; the integration tests then call each
//! one as nobody, as who may too little, and with another tenant's ids.

use api_types::accounts::Role;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// No credentials needed.
    Open,
    /// A member with this role or a higher one, whose role is the same in every project; an API key with the scope `admin` counts as an admin.
    Member(Role),
    /// The same, with the role in the project that it is about: the handler asks it of every project that it touches. Somebody with
    /// roles in single projects is let in with the largest of them.
    Project(Role),
    /// A member with this role; shows nothing of any project, so that roles in single projects do not matter.
    Anywhere(Role),
    /// Any signed-in person, about their own account; no API key.
    Person,
    /// A member, or an API key with the scope `query`.
    Read,
    /// An API key with the scope `ingest`, or an editor by access token; refusals are in the protocol's own words.
    Ingest,
}

use Access::{Anywhere, Ingest, Member, Open, Person, Project, Read};
use Role::{Admin, Editor, Owner, Viewer};

/// Method, path, access.
pub const ROUTES: &[(&str, &str, Access)] = &[
    ("GET", "/healthz", Open),
    ("GET", "/readyz", Open),
    ("GET", "/metrics", Open),
    ("GET", "/api/v1/openapi.json", Open),
    ("GET", "/api/docs", Open),
    ("POST", "/api/v1/auth/signup", Open),
    ("POST", "/api/v1/auth/login", Open),
    ("POST", "/api/v1/auth/refresh", Open),
    ("POST", "/api/v1/auth/logout", Open),
    ("POST", "/api/v1/auth/switch", Person),
    ("POST", "/api/v1/auth/verify-email", Open),
    ("POST", "/api/v1/auth/forgot-password", Open),
    ("POST", "/api/v1/auth/reset-password", Open),
    ("GET", "/api/v1/auth/sso", Open),
    ("GET", "/api/v1/auth/sso/pending", Open),
    ("POST", "/api/v1/auth/sso/finish", Open),
    ("GET", "/api/v1/auth/sso/{provider}/start", Open),
    ("GET", "/api/v1/auth/sso/{provider}/callback", Open),
    ("GET", "/api/v1/me", Person),
    ("PATCH", "/api/v1/me", Person),
    ("POST", "/api/v1/me/email", Person),
    ("POST", "/api/v1/auth/change-email", Open),
    ("GET", "/api/v1/me/identities", Person),
    ("POST", "/api/v1/me/identities", Person),
    ("DELETE", "/api/v1/me/identities/{id}", Person),
    ("GET", "/api/v1/me/command-lines", Person),
    ("DELETE", "/api/v1/me/command-lines/{id}", Person),
    ("POST", "/api/v1/auth/device", Open),
    ("POST", "/api/v1/auth/device/token", Open),
    ("POST", "/api/v1/auth/device/revoke", Open),
    ("POST", "/api/v1/auth/device/look-up", Person),
    ("POST", "/api/v1/auth/device/confirm", Person),
    ("GET", "/api/v1/second-factor", Person),
    ("POST", "/api/v1/second-factor", Person),
    ("POST", "/api/v1/second-factor/confirm", Person),
    ("POST", "/api/v1/second-factor/recovery-codes", Person),
    ("POST", "/api/v1/second-factor/disable", Person),
    ("GET", "/api/v1/sessions", Person),
    ("DELETE", "/api/v1/sessions/{id}", Person),
    ("GET", "/api/v1/organization", Anywhere(Viewer)),
    ("PATCH", "/api/v1/organization", Member(Admin)),
    ("DELETE", "/api/v1/organization", Member(Owner)),
    ("POST", "/api/v1/organization/transfer", Member(Owner)),
    ("GET", "/api/v1/members", Anywhere(Viewer)),
    ("GET", "/api/v1/members/{user_id}/projects", Member(Admin)),
    ("PUT", "/api/v1/members/{user_id}/projects", Member(Admin)),
    ("PATCH", "/api/v1/members/{user_id}", Member(Admin)),
    ("DELETE", "/api/v1/members/{user_id}", Member(Admin)),
    ("DELETE", "/api/v1/members/{user_id}/second-factor", Member(Admin)),
    ("GET", "/api/v1/invitations", Member(Admin)),
    ("POST", "/api/v1/invitations", Member(Admin)),
    ("POST", "/api/v1/invitations/look-up", Open),
    ("POST", "/api/v1/invitations/accept", Open),
    ("DELETE", "/api/v1/invitations/{id}", Member(Admin)),
    ("POST", "/api/v1/invitations/{id}/resend", Member(Admin)),
    ("GET", "/api/v1/audit-log", Member(Admin)),
    ("GET", "/api/v1/audit-log/export", Member(Admin)),
    ("GET", "/api/v1/audit-log/check", Member(Admin)),
    ("GET", "/api/v1/projects", Project(Viewer)),
    ("POST", "/api/v1/projects", Member(Admin)),
    ("GET", "/api/v1/projects/{id}", Project(Viewer)),
    ("PATCH", "/api/v1/projects/{id}", Member(Admin)),
    ("GET", "/api/v1/projects/{id}/masking", Project(Viewer)),
    ("PUT", "/api/v1/projects/{id}/masking", Member(Admin)),
    ("POST", "/api/v1/projects/{id}/masking/preview", Project(Viewer)),
    ("DELETE", "/api/v1/projects/{id}", Member(Admin)),
    ("GET", "/api/v1/api-keys", Project(Editor)),
    ("POST", "/api/v1/api-keys", Project(Editor)),
    ("PATCH", "/api/v1/api-keys/{id}", Project(Editor)),
    ("DELETE", "/api/v1/api-keys/{id}", Project(Editor)),
    ("POST", "/api/v1/api-keys/{id}/rotate", Project(Editor)),
    ("POST", "/api/v1/logs/ingest", Ingest),
    ("POST", "/api/v1/logs/delete", Member(Admin)),
    ("POST", "/api/v1/logs/pseudonymise", Member(Admin)),
    ("POST", "/api/v1/organization/export", Member(Owner)),
    ("GET", "/api/v1/jobs/{id}/archive", Member(Owner)),
    ("GET", "/api/v1/jobs", Member(Admin)),
    ("GET", "/api/v1/jobs/{id}", Member(Admin)),
    ("DELETE", "/api/v1/jobs/{id}", Member(Admin)),
    ("GET", "/api/v1/logs/search", Read),
    ("POST", "/api/v1/logs/search", Read),
    ("POST", "/api/v1/logs/search/stream", Read),
    ("POST", "/api/v1/logs/histogram", Read),
    ("POST", "/api/v1/logs/fields", Read),
    ("POST", "/api/v1/logs/field-values", Read),
    ("POST", "/api/v1/logs/patterns", Read),
    ("POST", "/api/v1/logs/difference", Read),
    ("POST", "/api/v1/logs/export", Read),
    ("GET", "/api/v1/logs/{id}", Read),
    ("GET", "/api/v1/logs/tail", Read),
    ("GET", "/api/v1/logs/{id}/context", Read),
    ("POST", "/api/v1/query/check", Read),
    ("POST", "/api/v1/query/translate", Read),
    ("GET", "/api/v1/saved-searches", Anywhere(Viewer)),
    ("POST", "/api/v1/saved-searches", Anywhere(Viewer)),
    ("GET", "/api/v1/saved-searches/{id}", Anywhere(Viewer)),
    ("PATCH", "/api/v1/saved-searches/{id}", Anywhere(Viewer)),
    ("DELETE", "/api/v1/saved-searches/{id}", Anywhere(Viewer)),
    ("GET", "/api/v1/annotations", Member(Viewer)),
    ("POST", "/api/v1/annotations", Member(Editor)),
    ("DELETE", "/api/v1/annotations/{id}", Member(Editor)),
    ("GET", "/api/v1/projects/{id}/pinned-fields", Member(Viewer)),
    ("PUT", "/api/v1/projects/{id}/pinned-fields", Member(Editor)),
    ("GET", "/api/v1/ingest/receipts/{batch}", Ingest),
    ("GET", "/api/v1/ingest/health", Member(Viewer)),
    ("GET", "/api/v1/usage", Member(Viewer)),
    ("GET", "/", Ingest),
    ("HEAD", "/", Ingest),
    ("GET", "/elasticsearch", Ingest),
    ("HEAD", "/elasticsearch", Ingest),
    ("POST", "/_bulk", Ingest),
    ("PUT", "/_bulk", Ingest),
    ("POST", "/elasticsearch/_bulk", Ingest),
    ("PUT", "/elasticsearch/_bulk", Ingest),
    ("POST", "/{index}/_bulk", Ingest),
    ("PUT", "/{index}/_bulk", Ingest),
    ("POST", "/elasticsearch/{index}/_bulk", Ingest),
    ("PUT", "/elasticsearch/{index}/_bulk", Ingest),
    ("POST", "/{index}/_doc", Ingest),
    ("POST", "/elasticsearch/{index}/_doc", Ingest),
    ("POST", "/{index}/_doc/{id}", Ingest),
    ("PUT", "/{index}/_doc/{id}", Ingest),
    ("POST", "/elasticsearch/{index}/_doc/{id}", Ingest),
    ("PUT", "/elasticsearch/{index}/_doc/{id}", Ingest),
    ("POST", "/{index}/_create/{id}", Ingest),
    ("PUT", "/{index}/_create/{id}", Ingest),
    ("POST", "/elasticsearch/{index}/_create/{id}", Ingest),
    ("PUT", "/elasticsearch/{index}/_create/{id}", Ingest),
    ("GET", "/_license", Ingest),
    ("GET", "/elasticsearch/_license", Ingest),
    ("GET", "/_xpack", Ingest),
    ("GET", "/elasticsearch/_xpack", Ingest),
    ("GET", "/_cluster/health", Ingest),
    ("GET", "/elasticsearch/_cluster/health", Ingest),
    ("GET", "/_index_template/{name}", Ingest),
    ("HEAD", "/_index_template/{name}", Ingest),
    ("PUT", "/_index_template/{name}", Ingest),
    ("POST", "/_index_template/{name}", Ingest),
    ("GET", "/elasticsearch/_index_template/{name}", Ingest),
    ("HEAD", "/elasticsearch/_index_template/{name}", Ingest),
    ("PUT", "/elasticsearch/_index_template/{name}", Ingest),
    ("POST", "/elasticsearch/_index_template/{name}", Ingest),
    ("GET", "/_component_template/{name}", Ingest),
    ("HEAD", "/_component_template/{name}", Ingest),
    ("PUT", "/_component_template/{name}", Ingest),
    ("POST", "/_component_template/{name}", Ingest),
    ("GET", "/elasticsearch/_component_template/{name}", Ingest),
    ("HEAD", "/elasticsearch/_component_template/{name}", Ingest),
    ("PUT", "/elasticsearch/_component_template/{name}", Ingest),
    ("POST", "/elasticsearch/_component_template/{name}", Ingest),
    ("GET", "/_template/{name}", Ingest),
    ("HEAD", "/_template/{name}", Ingest),
    ("PUT", "/_template/{name}", Ingest),
    ("POST", "/_template/{name}", Ingest),
    ("GET", "/elasticsearch/_template/{name}", Ingest),
    ("HEAD", "/elasticsearch/_template/{name}", Ingest),
    ("PUT", "/elasticsearch/_template/{name}", Ingest),
    ("POST", "/elasticsearch/_template/{name}", Ingest),
    ("GET", "/_ilm/policy/{name}", Ingest),
    ("HEAD", "/_ilm/policy/{name}", Ingest),
    ("PUT", "/_ilm/policy/{name}", Ingest),
    ("POST", "/_ilm/policy/{name}", Ingest),
    ("GET", "/elasticsearch/_ilm/policy/{name}", Ingest),
    ("HEAD", "/elasticsearch/_ilm/policy/{name}", Ingest),
    ("PUT", "/elasticsearch/_ilm/policy/{name}", Ingest),
    ("POST", "/elasticsearch/_ilm/policy/{name}", Ingest),
    ("GET", "/_data_stream/{name}", Ingest),
    ("HEAD", "/_data_stream/{name}", Ingest),
    ("PUT", "/_data_stream/{name}", Ingest),
    ("POST", "/_data_stream/{name}", Ingest),
    ("GET", "/elasticsearch/_data_stream/{name}", Ingest),
    ("HEAD", "/elasticsearch/_data_stream/{name}", Ingest),
    ("PUT", "/elasticsearch/_data_stream/{name}", Ingest),
    ("POST", "/elasticsearch/_data_stream/{name}", Ingest),
    ("GET", "/_ingest/pipeline/{name}", Ingest),
    ("HEAD", "/_ingest/pipeline/{name}", Ingest),
    ("PUT", "/_ingest/pipeline/{name}", Ingest),
    ("POST", "/_ingest/pipeline/{name}", Ingest),
    ("GET", "/elasticsearch/_ingest/pipeline/{name}", Ingest),
    ("HEAD", "/elasticsearch/_ingest/pipeline/{name}", Ingest),
    ("PUT", "/elasticsearch/_ingest/pipeline/{name}", Ingest),
    ("POST", "/elasticsearch/_ingest/pipeline/{name}", Ingest),
    ("POST", "/loki/api/v1/push", Ingest),
    ("POST", "/v1/logs", Ingest),
    ("POST", "/services/collector", Ingest),
    ("OPTIONS", "/services/collector", Open),
    ("POST", "/services/collector/event", Ingest),
    ("OPTIONS", "/services/collector/event", Open),
    ("POST", "/services/collector/event/1.0", Ingest),
    ("OPTIONS", "/services/collector/event/1.0", Open),
    ("POST", "/services/collector/raw", Ingest),
    ("POST", "/services/collector/raw/1.0", Ingest),
    ("POST", "/services/collector/ack", Ingest),
    ("POST", "/api/v2/logs", Ingest),
    ("GET", "/services/collector/health", Open),
    ("HEAD", "/services/collector/health", Open),
    ("GET", "/services/collector/health/1.0", Open),
    ("HEAD", "/services/collector/health/1.0", Open),
    ("GET", "/api/v1/validate", Open),
    ("GET", "/api/v1/syslog-listeners", Member(Viewer)),
    ("POST", "/api/v1/syslog-listeners", Member(Admin)),
    ("DELETE", "/api/v1/syslog-listeners/{id}", Member(Admin)),
    ("GET", "/api/v1/dead-letters", Member(Viewer)),
    ("DELETE", "/api/v1/dead-letters", Member(Editor)),
    ("POST", "/api/v1/dead-letters/replay", Member(Editor)),
    ("GET", "/api/v1/dead-letters/{id}", Member(Viewer)),
    ("DELETE", "/api/v1/dead-letters/{id}", Member(Editor)),
    ("POST", "/api/v1/dead-letters/{id}/replay", Member(Editor)),
    ("GET", "/api/v1/alert-rules", Member(Viewer)),
    ("POST", "/api/v1/alert-rules", Member(Editor)),
    ("GET", "/api/v1/alert-rules/export", Member(Viewer)),
    ("POST", "/api/v1/alert-rules/import", Member(Editor)),
    ("POST", "/api/v1/alert-rules/preview", Member(Viewer)),
    ("GET", "/api/v1/alert-rules/{id}", Member(Viewer)),
    ("PATCH", "/api/v1/alert-rules/{id}", Member(Editor)),
    ("DELETE", "/api/v1/alert-rules/{id}", Member(Editor)),
    ("POST", "/api/v1/alert-rules/{id}/mute", Member(Editor)),
    ("GET", "/api/v1/alert-rules/{id}/evaluations", Member(Viewer)),
    ("GET", "/api/v1/alert-rules/{id}/why", Member(Viewer)),
    ("GET", "/api/v1/alert-events", Member(Viewer)),
    ("GET", "/api/v1/notification-channels", Member(Viewer)),
    ("POST", "/api/v1/notification-channels", Member(Editor)),
    ("GET", "/api/v1/notification-channels/{id}", Member(Viewer)),
    ("PATCH", "/api/v1/notification-channels/{id}", Member(Editor)),
    ("DELETE", "/api/v1/notification-channels/{id}", Member(Editor)),
    ("POST", "/api/v1/notification-channels/{id}/test", Member(Editor)),
    ("GET", "/api/v1/notification-policy", Member(Viewer)),
    ("PUT", "/api/v1/notification-policy", Member(Editor)),
    ("GET", "/api/v1/notifications", Member(Viewer)),
    ("POST", "/api/v1/notifications/{id}/retry", Member(Editor)),
    ("POST", "/api/v1/mute-links", Open),
];

/// Who may call a route; `None` for what is none.
#[must_use]
pub fn access(method: &str, path: &str) -> Option<Access> {
    ROUTES
        .iter()
        .find(|(known, pattern, _)| (*known, *pattern) == (method, path))
        .map(|(_, _, access)| *access)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::path::Path;

    /// The routes that the source registers with `web::resource(…).get(…)…`, the only way in which this server does it.
    fn registered(folder: &Path, found: &mut BTreeSet<(String, String)>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let feature = path.file_name().unwrap().to_str().unwrap();
            let is_top = folder.ends_with("src");
            if path.is_dir() && is_top && !include_str!("lib.rs").contains(&format!("mod {feature};")) {
                continue; // not a part of the server yet
            }
            if path.is_dir() {
                registered(&path, found);
            } else if path.is_file() && !path.ends_with("tests.rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap();
                for rest in code.split("web::resource(").skip(1) {
                    let (patterns, mut chain) = balanced(rest);
                    while let Some(call) = chain.trim_start().strip_prefix('.') {
                        let (method, arguments) = call.split_once('(').unwrap();
                        // Of a resource's methods only this one has no name of its own in actix.
                        let method = if method == "default_service" { "options" } else { method };
                        chain = balanced(arguments).1;
                        for pattern in patterns.split('"').skip(1).step_by(2) {
                            found.insert((method.to_uppercase(), pattern.to_owned()));
                        }
                    }
                }
            }
        }
    }

    /// What stands before the parenthesis that closes, and what after it.
    fn balanced(text: &str) -> (&str, &str) {
        let mut depth = 1;
        for (position, character) in text.char_indices() {
            match character {
                '(' => depth += 1,
                ')' => depth -= 1,
                _ => {}
            }
            if depth == 0 {
                return (&text[..position], &text[position + 1..]);
            }
        }
        panic!("unbalanced: {text}");
    }

    #[test]
    fn the_table_names_every_route_and_no_other() {
        let mut found = BTreeSet::new();
        registered(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")), &mut found);
        let named =
            ROUTES.iter().map(|(method, path, _)| ((*method).to_owned(), (*path).to_owned())).collect();
        let missing: Vec<_> = found.difference(&named).collect();
        let surplus: Vec<_> = named.difference(&found).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "not in the table: {missing:?}; not registered: {surplus:?}"
        );
    }

    #[test]
    fn routes_are_registered_in_one_way_only() {
        fn check(folder: &Path) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    check(&path);
                    continue;
                }
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]").next().unwrap();
                for other in ["web::scope(", ".route(", "#[get(", "#[post("] {
                    let is_here = path.ends_with("route_table.rs") || path.ends_with("tests.rs");
                    assert!(is_here || !code.contains(other), "{} uses {other}", path.display());
                }
            }
        }
        check(Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/src")));
    }
}
