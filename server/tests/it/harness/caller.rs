//! Somebody who calls the API, and what they got.

use super::TestApp;
use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;
use std::ops::Deref;

/// Calls one server with one credential, or none.
#[derive(Clone)]
pub struct Caller {
    http: reqwest::Client,
    url: String,
    headers: Vec<(String, String)>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    /// `null` when it is not JSON.
    pub body: Value,
    pub text: String,
}

impl Answer {
    pub fn code(&self) -> &str {
        self.body["code"].as_str().unwrap_or_default()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of a cookie that the answer sets.
    pub fn cookie(&self, name: &str) -> Option<String> {
        let set = self.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
        set.filter_map(|text| text.split(';').next()?.split_once('='))
            .find(|(each, _)| *each == name)
            .map(|(_, value)| value.to_owned())
    }

    /// The answer, if it is a success.
    pub fn ok(self) -> Option<Self> {
        (200..300).contains(&self.status).then_some(self)
    }

    #[track_caller]
    pub fn expect(self, status: u16) -> Self {
        assert_eq!(self.status, status, "{}", self.text);
        self
    }

    #[track_caller]
    pub fn expect_problem(&self, status: u16, code: &str) {
        assert_eq!((self.status, self.code()), (status, code), "{}", self.text);
        assert_eq!(self.header("content-type"), "application/problem+json");
    }
}

impl Caller {
    pub fn new(url: &str) -> Self {
        let http = reqwest::Client::builder().redirect(reqwest::redirect::Policy::none()).no_proxy();
        // The certificates of tests are their own.
        let http = http.tls_danger_accept_invalid_certs(url.starts_with("https://"));
        Self { http: http.build().expect("a client can be made"), url: url.to_owned(), headers: Vec::new() }
    }

    /// The same caller with a bearer credential instead of what they had.
    pub fn with(&self, credential: &str) -> Self {
        let mut caller = self.clone();
        caller.headers = vec![("authorization".into(), format!("Bearer {credential}"))];
        caller
    }

    /// The same caller with one header more.
    pub fn with_header(&self, name: &str, value: &str) -> Self {
        let mut caller = self.clone();
        caller.headers.push((name.into(), value.into()));
        caller
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path, None).await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path, Some(body)).await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path, Some(body)).await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path, None).await
    }

    /// The answer as it begins; its body may have no end.
    pub async fn open(&self, path: &str) -> reqwest::Response {
        let mut request = self.http.get(format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.send().await.expect("the server answers")
    }

    /// The status, and of a refusal its code. Does not wait for the body of an answer that may never end.
    pub async fn outcome(&self, method: Method, path: &str, body: Option<Value>) -> (u16, String) {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let response = request.send().await.expect("the server answers");
        let status = response.status().as_u16();
        if status < 400 {
            return (status, String::new());
        }
        let body: Value =
            serde_json::from_str(&response.text().await.unwrap_or_default()).unwrap_or_default();
        (status, body["code"].as_str().unwrap_or_default().to_owned())
    }

    /// The answer as it comes, for bodies that are streamed or no text.
    pub async fn send_raw(&self, path: &str, body: Value) -> reqwest::Response {
        let mut request = self.http.post(format!("{}{path}", self.url)).json(&body);
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        request.send().await.expect("the server answers")
    }

    pub async fn call(&self, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut request = self.http.request(method, format!("{}{path}", self.url));
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = body {
            request = request.json(&body);
        }
        let Ok(response) = request.send().await else {
            return Answer { status: 0, headers: HeaderMap::new(), body: Value::Null, text: String::new() };
        };
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await.unwrap_or_default();
        Answer { status, headers, body: serde_json::from_str(&text).unwrap_or(Value::Null), text }
    }
}

/// The owner of an organization, signed in.
pub struct Org {
    caller: Caller,
    pub id: String,
    pub user_id: String,
    pub email: String,
    /// Its first project.
    pub project_id: String,
    pub access_token: String,
    pub refresh_cookie: String,
}

impl Deref for Org {
    type Target = Caller;

    fn deref(&self) -> &Caller {
        &self.caller
    }
}

impl Org {
    /// The one whom this `Session` answer is about.
    pub fn of(app: &TestApp, answer: &Answer) -> Self {
        let text = |pointer: &str| answer.body.pointer(pointer).and_then(Value::as_str).unwrap().to_owned();
        let access_token = text("/access_token");
        Self {
            caller: app.with_credential(&access_token),
            id: text("/organization/id"),
            user_id: text("/user/id"),
            email: text("/user/email"),
            project_id: text("/projects/0/id"),
            access_token,
            refresh_cookie: answer.cookie("cw_rt").expect("a refresh cookie"),
        }
    }

    /// Has somebody new join with a role: `<name>@<organization>.example`.
    pub async fn member(&self, app: &TestApp, name: &str, role: &str) -> Self {
        let email = self.email.replacen("owner@", &format!("{name}@"), 1);
        let body = serde_json::json!({"email": email, "role": role});
        self.post("/api/v1/invitations", body).await.expect(201);
        let token = app.mails_about(&email, "invited you", 1).await.remove(0).token();
        let body = serde_json::json!({"token": token, "name": name, "password": super::PASSWORD});
        let answer = app.anonymous().post("/api/v1/invitations/accept", body).await.expect(201);
        Self::of(app, &answer)
    }

    /// Makes an API key for the first project and tells its answer.
    pub async fn api_key(&self, scopes: &[&str]) -> Value {
        let body = serde_json::json!({"name": "a key", "project_id": self.project_id, "scopes": scopes});
        self.post("/api/v1/api-keys", body).await.expect(201).body
    }
}
