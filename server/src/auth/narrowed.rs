//! What members may call whose access a row rule narrows.
//!
//! Routes that search take a `Reader` and with it the rule. Of the others only these are open to them: a route that is new is
//! closed until somebody has seen to it that it shows nothing of what a rule hides.

use actix_web::HttpRequest;

/// Method and path. None of them shows anything out of logs, or the handler asks `Member::sight`.
const OPEN: &[(&str, &str)] = &[
    ("GET", "/api/v1/me"),
    ("PATCH", "/api/v1/me"),
    // The key that this makes has the rule of its person.
    ("POST", "/api/v1/auth/device/look-up"),
    ("POST", "/api/v1/auth/device/confirm"),
    ("GET", "/api/v1/organization"),
    ("GET", "/api/v1/members"),
    ("GET", "/api/v1/projects"),
    ("GET", "/api/v1/projects/{id}"),
    ("GET", "/api/v1/projects/{id}/pinned-fields"),
    ("GET", "/api/v1/projects/{id}/masking"),
    ("POST", "/api/v1/projects/{id}/masking/preview"),
    ("GET", "/api/v1/api-keys"),
    ("POST", "/api/v1/api-keys"),
    ("PATCH", "/api/v1/api-keys/{id}"),
    ("DELETE", "/api/v1/api-keys/{id}"),
    ("POST", "/api/v1/api-keys/{id}/rotate"),
    ("GET", "/api/v1/saved-searches"),
    ("POST", "/api/v1/saved-searches"),
    ("GET", "/api/v1/saved-searches/{id}"),
    ("PATCH", "/api/v1/saved-searches/{id}"),
    ("DELETE", "/api/v1/saved-searches/{id}"),
    ("GET", "/api/v1/dead-letters"),
    ("GET", "/api/v1/dead-letters/{id}"),
    ("GET", "/api/v1/usage"),
    // Open to everybody; who is signed in is known there too.
    ("POST", "/api/v1/invitations/accept"),
];

pub fn may_call(request: &HttpRequest) -> bool {
    let method = request.method().as_str();
    request.match_pattern().is_some_and(|path| OPEN.contains(&(method, path.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::route_table::{Access, ROUTES};

    #[test]
    fn what_is_open_is_a_route_for_members() {
        for (method, path) in OPEN {
            let route = ROUTES.iter().find(|route| (route.0, route.1) == (*method, *path));
            let access = route.unwrap_or_else(|| panic!("there is no {method} {path}")).2;
            assert!(
                matches!(
                    access,
                    Access::Member(_)
                        | Access::Project(_)
                        | Access::Anywhere(_)
                        | Access::Person
                        | Access::Open
                ),
                "{method} {path}"
            );
        }
    }
}
