//! The browser's two cookies, and the check that a request sent with them comes from our own pages.
//!
//! Under https they are `__Host-` cookies: secure, for this host alone. On plain http (loopback, or behind a proxy by explicit
//! setting) browsers refuse those names, so they go without. Scripts can read neither.

use super::AuthError;
use crate::config::Settings;
use actix_web::HttpRequest;
use actix_web::cookie::time::Duration;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::Method;
use actix_web::http::header::{HOST, HeaderMap, ORIGIN};
use std::sync::Arc;

/// Names and attributes that fit this installation.
#[derive(Clone)]
pub struct Cookies {
    secure: bool,
    public_origin: Arc<str>,
}

impl Cookies {
    pub(super) fn of(settings: &Settings) -> Self {
        Self { secure: settings.serves_tls(), public_origin: settings.public_url().into() }
    }

    fn sso_name(&self) -> &'static str {
        if self.secure { "__Host-cw_sso" } else { "cw_sso" }
    }

    fn access_name(&self) -> &'static str {
        if self.secure { "__Host-cw_at" } else { "cw_at" }
    }

    fn refresh_name(&self) -> &'static str {
        if self.secure { "__Host-cw_rt" } else { "cw_rt" }
    }

    #[must_use]
    pub fn access(&self, token: &str, seconds: i64) -> Cookie<'static> {
        self.cookie(self.access_name(), token, SameSite::Lax, seconds)
    }

    #[must_use]
    pub fn refresh(&self, token: &str, seconds: i64) -> Cookie<'static> {
        self.cookie(self.refresh_name(), token, SameSite::Strict, seconds)
    }

    /// What a login by another provider has to remember until it is done; sealed. It must come along from that provider's page.
    #[must_use]
    pub fn sso(&self, sealed: &str, seconds: i64) -> Cookie<'static> {
        self.cookie(self.sso_name(), sealed, SameSite::Lax, seconds)
    }

    #[must_use]
    pub fn sso_state(&self, request: &HttpRequest) -> Option<String> {
        self.value(request, self.sso_name())
    }

    /// Both, empty and already over: what a browser forgets them by.
    #[must_use]
    pub fn removed(&self) -> [Cookie<'static>; 2] {
        [self.access("", 0), self.refresh("", 0)]
    }

    #[must_use]
    pub fn refresh_token(&self, request: &HttpRequest) -> Option<String> {
        self.value(request, self.refresh_name())
    }

    #[must_use]
    pub fn access_token(&self, request: &HttpRequest) -> Option<String> {
        self.value(request, self.access_name())
    }

    fn value(&self, request: &HttpRequest, name: &str) -> Option<String> {
        request.cookie(name).map(|cookie| cookie.value().to_owned()).filter(|value| !value.is_empty())
    }

    fn cookie(&self, name: &'static str, value: &str, same_site: SameSite, seconds: i64) -> Cookie<'static> {
        Cookie::build(name, value.to_owned())
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(same_site)
            .max_age(Duration::seconds(seconds))
            .finish()
    }

    /// Refuses a request by cookie that changes something and that a page of another site made a browser send.
    ///
    /// Browsers tell where a request comes from: `Sec-Fetch-Site`, and before it `Origin`. A request with neither is not a
    /// browser's, and nobody can make a program that is none send cookies it did not mean to send.
    ///
    /// # Errors
    /// `CrossSite`.
    pub fn refuse_other_sites(&self, request: &HttpRequest) -> Result<(), AuthError> {
        if matches!(*request.method(), Method::GET | Method::HEAD | Method::OPTIONS) {
            return Ok(());
        }
        if self.is_own(request.headers()) { Ok(()) } else { Err(AuthError::CrossSite) }
    }

    /// Whether a browser came here from one of our own pages, or by its address bar.
    #[must_use]
    pub fn came_from_us(&self, request: &HttpRequest) -> bool {
        self.is_own(request.headers())
    }

    fn is_own(&self, headers: &HeaderMap) -> bool {
        let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("unreadable"));
        let own_origin = |origin: &str| {
            let host = text(HOST.as_str()).unwrap_or_default();
            origin == &*self.public_origin
                || origin.split_once("://").is_some_and(|(_, rest)| !host.is_empty() && rest == host)
        };
        match (text("sec-fetch-site"), text(ORIGIN.as_str())) {
            (_, Some(origin)) if !own_origin(origin) => false,
            (Some(site), _) => matches!(site, "same-origin" | "none"),
            (None, _) => true,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn cookies(secure: bool) -> Cookies {
        Cookies { secure, public_origin: "https://logs.example".into() }
    }

    fn accepted(method: Method, headers: &[(&str, &str)]) -> bool {
        let mut request = TestRequest::default().method(method).insert_header((HOST, "127.0.0.1:8080"));
        for header in headers {
            request = request.insert_header(*header);
        }
        cookies(true).refuse_other_sites(&request.to_http_request()).is_ok()
    }

    #[test]
    fn a_changing_request_by_cookie_must_come_from_our_own_pages() {
        let own: [&[(&str, &str)]; 5] = [
            &[("origin", "https://logs.example"), ("sec-fetch-site", "same-origin")],
            &[("origin", "https://logs.example")],
            &[("origin", "http://127.0.0.1:8080")],
            &[("sec-fetch-site", "same-origin")],
            &[],
        ];
        for headers in own {
            assert!(accepted(Method::POST, headers), "{headers:?}");
        }
        let foreign: [&[(&str, &str)]; 6] = [
            &[("origin", "https://evil.example")],
            &[("origin", "null")],
            &[("origin", "https://logs.example.evil.example")],
            &[("origin", "http://127.0.0.1:8081")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://logs.example")],
        ];
        for headers in foreign {
            assert!(!accepted(Method::POST, headers), "{headers:?}");
            assert!(!accepted(Method::DELETE, headers), "{headers:?}");
            assert!(accepted(Method::GET, headers), "reading changes nothing");
        }
    }

    #[test]
    fn cookies_are_out_of_reach_of_scripts_and_bound_to_the_host_under_tls() {
        let secure = cookies(true).refresh("token", 60).to_string();
        assert_eq!(secure, "__Host-cw_rt=token; HttpOnly; SameSite=Strict; Secure; Path=/; Max-Age=60");
        let plain = cookies(false).access("token", 60).to_string();
        assert_eq!(plain, "cw_at=token; HttpOnly; SameSite=Lax; Path=/; Max-Age=60");
    }
}
