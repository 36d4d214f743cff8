//! Signing in by another provider: who gets in, who does not, and what a link between accounts needs.

use crate::harness::provider::Provider;
use crate::harness::{Answer, Caller, Org, PASSWORD, TestApp, eventually};
use serde_json::{Value, json};

async fn app_with_provider() -> (TestApp, Provider) {
    let provider = Provider::start().await;
    let flags = provider.flags();
    let flags: Vec<&str> = flags.iter().map(String::as_str).collect();
    (TestApp::spawn_with(&flags).await, provider)
}

/// A browser with the cookie of a login that has begun, at the provider's page.
struct Begun {
    browser: Caller,
    address: String,
}

async fn begin(app: &TestApp, name: &str, next: &str) -> Begun {
    let answer = app.anonymous().get(&format!("/api/v1/auth/sso/{name}/start?next={next}")).await.expect(303);
    let cookie = answer.cookie("cw_sso").unwrap();
    let browser = app.anonymous().with_header("cookie", &format!("cw_sso={cookie}"));
    Begun { browser, address: answer.header("location").to_owned() }
}

impl Begun {
    async fn come_back(&self, name: &str, provider: &Provider) -> Answer {
        let (code, state) = provider.visit(&self.address);
        self.answer(name, &code, &state).await
    }

    async fn answer(&self, name: &str, code: &str, state: &str) -> Answer {
        self.browser
            .get(&format!("/api/v1/auth/sso/{name}/callback?code={code}&state={state}"))
            .await
            .expect(303)
    }
}

async fn log_in(app: &TestApp, provider: &Provider, claims: Value) -> Answer {
    provider.log_in(claims);
    begin(app, "oidc", "/alerts").await.come_back("oidc", provider).await
}

fn ann() -> Value {
    json!({"sub": "7", "email": "Owner@acme.example", "email_verified": true, "name": "Ann"})
}

/// What the browser may do after such an answer.
fn signed_in(app: &TestApp, answer: &Answer) -> Caller {
    let token =
        answer.cookie("cw_at").unwrap_or_else(|| panic!("not signed in: {}", answer.header("location")));
    app.with_credential(&token)
}

/// The browser with whatever the answer set as state of the login.
fn pending(app: &TestApp, answer: &Answer) -> Caller {
    assert_eq!(answer.header("location"), "/sso");
    app.anonymous().with_header("cookie", &format!("cw_sso={}", answer.cookie("cw_sso").unwrap()))
}

async fn confirm(app: &TestApp, org: &Org) {
    let token = app.mails_about(&org.email, "Confirm", 1).await.remove(0).token();
    app.anonymous().post("/api/v1/auth/verify-email", json!({"token": token})).await.expect(204);
}

#[tokio::test]
async fn somebody_new_gets_an_account_without_a_password() {
    let (app, provider) = app_with_provider().await;
    let listed = app.anonymous().get("/api/v1/auth/sso").await.expect(200).body;
    assert_eq!(listed["items"], json!([{"id": "oidc", "name": "Acme"}, {"id": "github", "name": "GitHub"}]));

    let browser = pending(&app, &log_in(&app, &provider, ann()).await);
    let known = browser.get("/api/v1/auth/sso/pending").await.expect(200).body;
    assert_eq!(known["email"], "owner@acme.example");
    assert_eq!((known["needs"].as_str(), known["next"].as_str()), (Some("account"), Some("/alerts")));
    browser.post("/api/v1/auth/sso/finish", json!({})).await.expect_problem(422, "invalid");
    let made = browser.post("/api/v1/auth/sso/finish", json!({"organization": "Acme"})).await.expect(201);
    let acme = Org::of(&app, &made);

    let me = acme.get("/api/v1/me").await.expect(200).body;
    assert_eq!((me["role"].as_str(), &me["user"]["email_verified"]), (Some("owner"), &json!(true)));
    assert_eq!(me["user"]["name"], "Ann");
    let again = signed_in(&app, &log_in(&app, &provider, ann()).await);
    assert_eq!(again.get("/api/v1/me").await.expect(200).body["user"]["id"], acme.user_id.as_str());
    let methods = acme.get("/api/v1/me/identities").await.expect(200).body;
    assert_eq!((&methods["has_password"], methods["items"].as_array().unwrap().len()), (&json!(false), 1));
    let path = format!("/api/v1/me/identities/{}", methods["items"][0]["id"].as_str().unwrap());
    acme.delete(&path).await.expect_problem(409, "last_way_in");
    let login = json!({"email": acme.email, "password": PASSWORD});
    app.anonymous().post("/api/v1/auth/login", login).await.expect_problem(401, "wrong_credentials");
}

#[tokio::test]
async fn an_account_is_linked_when_both_sides_have_confirmed_the_address() {
    let (app, provider) = app_with_provider().await;
    let acme = app.org("acme").await;

    let mut unconfirmed = ann();
    unconfirmed["email_verified"] = json!(false);
    let answer = log_in(&app, &provider, unconfirmed).await;
    assert_eq!(answer.header("location"), "/login?sso=email_unverified");
    let answer = log_in(&app, &provider, ann()).await;
    assert_eq!(answer.header("location"), "/login?sso=account_unconfirmed");
    confirm(&app, &acme).await;
    let answer = log_in(&app, &provider, ann()).await;
    assert_eq!(answer.header("location"), "/alerts");
    let me = signed_in(&app, &answer).get("/api/v1/me").await.expect(200).body;
    assert_eq!(me["user"]["id"], acme.user_id.as_str());

    // From now on the address there does not matter any more.
    let moved = json!({"sub": "7", "email": "ann@elsewhere.example", "email_verified": false});
    let me = signed_in(&app, &log_in(&app, &provider, moved).await).get("/api/v1/me").await.expect(200).body;
    assert_eq!(me["user"]["id"], acme.user_id.as_str());
    let log = acme.get("/api/v1/audit-log?q=action:identity.linked").await.expect(200).body;
    assert_eq!(log["items"].as_array().unwrap().len(), 1, "{log}");
    let log = acme.get("/api/v1/audit-log?q=method:oidc").await.expect(200).body;
    assert_eq!(log["items"].as_array().unwrap().len(), 2, "{log}");
}

#[tokio::test]
async fn an_answer_counts_for_the_browser_and_the_login_that_asked() {
    let (app, provider) = app_with_provider().await;
    confirm(&app, &app.org("acme").await).await;
    provider.log_in(ann());
    let lost = |answer: &Answer| {
        answer.header("location") == "/login?sso=state_lost" && answer.cookie("cw_at").is_none()
    };

    let (mine, other) = (begin(&app, "oidc", "/").await, begin(&app, "oidc", "/").await);
    let (code, state) = provider.visit(&other.address);
    assert!(lost(&mine.answer("oidc", &code, &state).await), "the state of another browser");
    let (code, _) = provider.visit(&mine.address);
    assert!(lost(&mine.answer("oidc", &code, "").await), "no state");
    let (code, state) = provider.visit(&mine.address);
    assert!(lost(&mine.answer("github", &code, &state).await), "another provider");
    let path = format!("/api/v1/auth/sso/oidc/callback?code={code}&state={state}");
    assert!(lost(&app.anonymous().get(&path).await), "no cookie");
    let path = format!("{path}&iss=https%3A%2F%2Fevil.example");
    assert!(lost(&mine.browser.get(&path).await), "another issuer");

    // A code of another login: its verifier does not fit. The same code twice.
    let (code, _) = provider.visit(&other.address);
    let (_, state) = provider.visit(&mine.address);
    let answer = mine.answer("oidc", &code, &state).await;
    assert_eq!(answer.header("location"), "/login?sso=provider_failed");
    let (code, state) = provider.visit(&mine.address);
    signed_in(&app, &mine.answer("oidc", &code, &state).await);
    let again = mine.answer("oidc", &code, &state).await;
    assert_eq!(again.header("location"), "/login?sso=provider_failed");
    let cancelled =
        mine.browser.get(&format!("/api/v1/auth/sso/oidc/callback?error=access_denied&state={state}")).await;
    assert_eq!(cancelled.header("location"), "/login?sso=cancelled");
}

#[tokio::test]
async fn a_token_for_another_login_or_of_another_issuer_is_refused() {
    let (app, provider) = app_with_provider().await;
    confirm(&app, &app.org("acme").await).await;
    for (name, value) in [("nonce", "another"), ("iss", "https://evil.example"), ("aud", "another")] {
        let mut claims = ann();
        claims[name] = json!(value);
        let answer = log_in(&app, &provider, claims).await;
        assert_eq!(answer.header("location"), "/login?sso=provider_failed", "{name}");
        assert_eq!(answer.cookie("cw_at"), None);
    }
}

#[tokio::test]
async fn the_second_factor_counts_here_too() {
    let (app, provider) = app_with_provider().await;
    let acme = app.org("acme").await;
    confirm(&app, &acme).await;
    let (_, codes, _) = crate::second_factor::switch_on(&acme).await;

    let browser = pending(&app, &log_in(&app, &provider, ann()).await);
    assert_eq!(browser.get("/api/v1/auth/sso/pending").await.expect(200).body["needs"], "code");
    let none = acme.get("/api/v1/me/identities").await.expect(200).body;
    assert_eq!(none["items"], json!([]), "nothing is linked before the code is right");
    browser.post("/api/v1/auth/sso/finish", json!({})).await.expect_problem(401, "second_factor_required");
    let wrong = browser.post("/api/v1/auth/sso/finish", json!({"code": "AAAAA-AAAAA"})).await;
    wrong.expect_problem(401, "second_factor_wrong");
    browser.post("/api/v1/auth/sso/finish", json!({"code": codes[0]})).await.expect(200);
}

#[tokio::test]
async fn who_was_invited_joins_with_the_address_that_was_invited_when_there_is_room() {
    let (app, provider) = app_with_provider().await;
    let acme = app.org("acme").await;
    let body = json!({"email": "bea@acme.example", "role": "editor"});
    acme.post("/api/v1/invitations", body).await.expect(201);
    let token = app.mails_about("bea@acme.example", "invited you", 1).await.remove(0).token();

    let other = json!({"sub": "9", "email": "cid@acme.example", "email_verified": true, "name": "Cid"});
    let browser = pending(&app, &log_in(&app, &provider, other).await);
    let refused = browser.post("/api/v1/auth/sso/finish", json!({"invitation": token})).await;
    refused.expect_problem(409, "invited_another");
    let bea = json!({"sub": "8", "email": "bea@acme.example", "email_verified": true, "name": "Bea"});
    let browser = pending(&app, &log_in(&app, &provider, bea).await);
    crate::admin::said(&crate::admin::admin(&app, &["set-plan", "acme", "members=1"]).await);
    let full = browser.post("/api/v1/auth/sso/finish", json!({"invitation": token})).await;
    full.expect_problem(409, "members_limit_reached");
    crate::admin::said(&crate::admin::admin(&app, &["set-plan", "acme", "members=2"]).await);
    let joined = browser.post("/api/v1/auth/sso/finish", json!({"invitation": token})).await.expect(201).body;

    assert_eq!(
        (joined["organization"]["id"].as_str(), joined["role"].as_str()),
        (Some(acme.id.as_str()), Some("editor"))
    );
}

#[tokio::test]
async fn github_is_asked_for_the_person_and_the_confirmed_address() {
    let (app, provider) = app_with_provider().await;
    let acme = app.org("acme").await;
    confirm(&app, &acme).await;
    let user = json!({"id": 4711, "login": "ann", "name": null});
    let address = |email: &str, primary: bool, verified: bool| json!({"email": email, "primary": primary, "verified": verified});

    provider.log_in_to_github(user.clone(), json!([address(&acme.email, true, false)]));
    let answer = begin(&app, "github", "/").await.come_back("github", &provider).await;
    assert_eq!(answer.header("location"), "/login?sso=email_unverified");
    let addresses = json!([address("ann@users.example", false, true), address(&acme.email, true, true)]);
    provider.log_in_to_github(user, addresses);
    let answer = begin(&app, "github", "/").await.come_back("github", &provider).await;
    let me = signed_in(&app, &answer).get("/api/v1/me").await.expect(200).body;

    assert_eq!(me["user"]["id"], acme.user_id.as_str());
}

#[tokio::test]
async fn an_account_is_linked_by_its_owner_with_the_password() {
    let (app, provider) = app_with_provider().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let link = |password: &str| json!({"provider": "oidc", "password": password});
    acme.post("/api/v1/me/identities", link("wrong")).await.expect_problem(422, "invalid");
    acme.post("/api/v1/me/identities", link(PASSWORD)).await.expect_problem(409, "email_unconfirmed");
    confirm(&app, &acme).await;
    confirm(&app, &globex).await;
    let elsewhere = json!({"sub": "11", "email": "ann@elsewhere.example", "email_verified": true});
    provider.log_in(elsewhere);

    for (org, outcome) in [(&acme, "linked"), (&acme, "linked"), (&globex, "identity_taken")] {
        let begun = org.post("/api/v1/me/identities", link(PASSWORD)).await.expect(200);
        let (code, state) = provider.visit(begun.body["url"].as_str().unwrap());
        let path = format!("/api/v1/auth/sso/oidc/callback?code={code}&state={state}");
        let cookies = format!("cw_sso={}; cw_at={}", begun.cookie("cw_sso").unwrap(), org.access_token);
        let nobody =
            app.anonymous().with_header("cookie", &format!("cw_sso={}", begun.cookie("cw_sso").unwrap()));
        if outcome == "linked" {
            let (code, state) = provider.visit(begun.body["url"].as_str().unwrap());
            let answer =
                nobody.get(&format!("/api/v1/auth/sso/oidc/callback?code={code}&state={state}")).await;
            assert_eq!(answer.header("location"), "/settings/profile?sso=signed_out");
        }
        let answer = app.anonymous().with_header("cookie", &cookies).get(&path).await.expect(303);
        assert_eq!(answer.header("location"), format!("/settings/profile?sso={outcome}"));
    }

    let methods = acme.get("/api/v1/me/identities").await.expect(200).body;
    assert_eq!(methods["items"][0]["email"], "ann@elsewhere.example");
    let path = format!("/api/v1/me/identities/{}", methods["items"][0]["id"].as_str().unwrap());
    globex.delete(&path).await.expect_problem(404, "not_found");
    acme.delete(&path).await.expect(204);
    eventually("the log to tell of it", async || {
        let log = acme.get("/api/v1/audit-log?q=action:identity.unlinked").await.expect(200).body;
        (log["items"].as_array()?.len() == 1).then_some(())
    })
    .await;
}

#[tokio::test]
async fn a_provider_that_is_away_or_not_set_up_is_told_apart() {
    let app =
        TestApp::spawn_with(&["--oidc-issuer", "https://127.0.0.1:1", "--oidc-client-id", "cordwood"]).await;
    let answer = app.anonymous().get("/api/v1/auth/sso/oidc/start").await.expect(303);
    assert_eq!(answer.header("location"), "/login?sso=provider_unreachable");
    app.anonymous().get("/api/v1/auth/sso/github/start").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_provider_that_calls_itself_something_else_is_not_believed() {
    let provider = Provider::start().await;
    let issuer = format!("{}/", provider.url);
    let flags =
        ["--oidc-issuer", &issuer, "--oidc-client-id", "cordwood", "--outbound-allow-networks", "127.0.0.1"];
    let app = TestApp::spawn_with(&flags).await;
    let answer = app.anonymous().get("/api/v1/auth/sso/oidc/start").await.expect(303);
    assert_eq!(answer.header("location"), "/login?sso=provider_failed");
}

#[tokio::test]
async fn another_site_cannot_begin_a_login() {
    let (app, _provider) = app_with_provider().await;
    let path = "/api/v1/auth/sso/oidc/start";
    let from = |site: &str| app.anonymous().with_header("sec-fetch-site", site);
    assert_eq!(from("cross-site").get(path).await.expect(303).header("location"), "/login");
    assert_ne!(from("same-origin").get(path).await.expect(303).header("location"), "/login");
}
