//! The second factor, and changing the address.

use crate::harness::{Answer, Org, PASSWORD, TestApp};
use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha1::Sha1;

/// What an authenticator app shows, some half minutes from now.
fn code(secret: &str, steps_ahead: i64) -> String {
    let step = jiff::Timestamp::now().as_second() / 30 + steps_ahead;
    let mut mac = Hmac::<Sha1>::new_from_slice(&BASE32_NOPAD.decode(secret.as_bytes()).unwrap()).unwrap();
    mac.update(&step.to_be_bytes());
    let digest = mac.finalize().into_bytes();
    let offset = usize::from(digest[19] & 15);
    let number = u32::from_be_bytes(digest[offset..offset + 4].try_into().unwrap()) & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

async fn log_in(app: &TestApp, email: &str, code: Option<&str>) -> Answer {
    let body = json!({"email": email, "password": PASSWORD, "code": code});
    app.anonymous().post("/api/v1/auth/login", body).await
}

/// Switches it on; tells the secret, the recovery codes, and the code that was used for it.
pub async fn switch_on(org: &Org) -> (String, Vec<String>, String) {
    let setup = org.post("/api/v1/second-factor", json!({"password": PASSWORD})).await.expect(200).body;
    let secret = setup["secret"].as_str().unwrap().to_owned();
    assert!(setup["otpauth_url"].as_str().unwrap().contains(&secret));
    let used = code(&secret, 0);
    let codes = org.post("/api/v1/second-factor/confirm", json!({"code": used})).await.expect(200).body;
    let codes = codes["recovery_codes"].as_array().unwrap();
    (secret, codes.iter().map(|code| code.as_str().unwrap().to_owned()).collect(), used)
}

#[tokio::test]
async fn it_counts_once_it_was_confirmed() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    acme.post("/api/v1/second-factor", json!({"password": "wrong"})).await.expect_problem(422, "invalid");
    acme.post("/api/v1/second-factor", json!({"password": PASSWORD})).await.expect(200);
    log_in(&app, &acme.email, None).await.expect(200);
    let wrong = json!({"code": "000000"});
    acme.post("/api/v1/second-factor/confirm", wrong).await.expect_problem(422, "invalid");

    let (secret, codes, used) = switch_on(&acme).await;

    assert_eq!(codes.len(), 10);
    let state = acme.get("/api/v1/second-factor").await.expect(200).body;
    assert_eq!(state, json!({"enabled": true, "recovery_codes_left": 10}));
    log_in(&app, &acme.email, None).await.expect_problem(401, "second_factor_required");
    log_in(&app, &acme.email, Some("000000")).await.expect_problem(401, "second_factor_wrong");
    log_in(&app, &acme.email, Some(&used)).await.expect_problem(401, "second_factor_wrong");
    log_in(&app, &acme.email, Some(&code(&secret, 1))).await.expect(200);
    acme.post("/api/v1/second-factor", json!({"password": PASSWORD}))
        .await
        .expect_problem(409, "second_factor_on");
}

#[tokio::test]
async fn a_recovery_code_works_once() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let (_, codes, _) = switch_on(&acme).await;

    log_in(&app, &acme.email, Some(&codes[3].to_lowercase())).await.expect(200);

    log_in(&app, &acme.email, Some(&codes[3])).await.expect_problem(401, "second_factor_wrong");
    let state = acme.get("/api/v1/second-factor").await.expect(200).body;
    assert_eq!(state["recovery_codes_left"], 9);
    let renew = json!({"password": PASSWORD, "code": codes[4]});
    let renewed = acme.post("/api/v1/second-factor/recovery-codes", renew).await.expect(200).body;
    log_in(&app, &acme.email, Some(&codes[5])).await.expect_problem(401, "second_factor_wrong");
    log_in(&app, &acme.email, renewed["recovery_codes"][0].as_str()).await.expect(200);

    let off = json!({"password": PASSWORD, "code": renewed["recovery_codes"][1]});
    acme.post("/api/v1/second-factor/disable", off).await.expect(204);
    log_in(&app, &acme.email, None).await.expect(200);
    app.mails_about(&acme.email, "Your second factor was removed", 1).await;
}

#[tokio::test]
async fn guessing_codes_is_limited() {
    let app = TestApp::spawn_with(&["--login-failures", "3"]).await;
    let acme = app.org("acme").await;
    let (_, codes, _) = switch_on(&acme).await;
    for _ in 0..3 {
        log_in(&app, &acme.email, Some("000000")).await.expect_problem(401, "second_factor_wrong");
    }
    log_in(&app, &acme.email, Some(&codes[0])).await.expect_problem(429, "too_many_attempts");
}

#[tokio::test]
async fn an_admin_resets_the_one_of_a_member_who_is_nowhere_else() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let bob = acme.member(&app, "bob", "editor").await;
    switch_on(&bob).await;
    let path = format!("/api/v1/members/{}/second-factor", bob.user_id);

    bob.delete(&path).await.expect_problem(403, "role_too_small");
    globex.delete(&path).await.expect_problem(404, "not_found");
    globex.post("/api/v1/invitations", json!({"email": bob.email, "role": "viewer"})).await.expect(201);
    let token = app.mails_about(&bob.email, "to globex", 1).await.remove(0).token();
    let by_password = json!({"token": token, "password": PASSWORD});
    app.anonymous().post("/api/v1/invitations/accept", by_password).await.expect_problem(401, "login_needed");
    bob.post("/api/v1/invitations/accept", json!({"token": token})).await.expect(200);
    acme.delete(&path).await.expect_problem(409, "member_elsewhere");
    globex.delete(&format!("/api/v1/members/{}", bob.user_id)).await.expect(204);

    acme.delete(&path).await.expect(204);

    app.mails_about(&bob.email, "Your second factor was removed", 1).await;
    log_in(&app, &bob.email, None).await.expect(200);
    acme.delete(&path).await.expect_problem(409, "second_factor_off");
}

#[tokio::test]
async fn an_address_changes_when_the_mail_to_the_new_one_is_followed() {
    let app = TestApp::spawn().await;
    let (acme, globex) = (app.org("acme").await, app.org("globex").await);
    let ask = async |email: &str, password: &str| {
        acme.post("/api/v1/me/email", json!({"email": email, "password": password})).await
    };
    ask("new@acme.example", "wrong").await.expect_problem(422, "invalid");
    ask("new@acme.example", PASSWORD).await.expect(202);
    let token = app.mails_about("new@acme.example", "Confirm your new", 1).await.remove(0).token();
    log_in(&app, &acme.email, None).await.expect(200);

    let confirm =
        async |token: Value| app.anonymous().post("/api/v1/auth/change-email", json!({"token": token})).await;
    confirm(json!(token)).await.expect(204);

    let told = app.mails_about(&acme.email, "Your e-mail address was changed", 1).await.remove(0);
    assert!(told.text.contains("you sign in to Cordwood with new@acme.example"), "{}", told.text);
    log_in(&app, "new@acme.example", None).await.expect(200);
    log_in(&app, &acme.email, None).await.expect_problem(401, "wrong_credentials");
    confirm(json!(token)).await.expect_problem(422, "link_invalid");
    assert_eq!(acme.get("/api/v1/me").await.expect(200).body["user"]["email_verified"], true);

    ask(&globex.email, PASSWORD).await.expect(202);
    let token = app.mails_about(&globex.email, "Confirm your new", 1).await.remove(0).token();
    confirm(json!(token)).await.expect_problem(409, "email_taken");
    let told =
        app.mails().into_iter().filter(|mail| mail.subject == "Your e-mail address was changed").count();
    assert_eq!(told, 1, "nobody is told of a change that did not happen");
}

#[tokio::test]
async fn a_reset_password_does_not_switch_off_the_second_factor() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let mail = app.mails_about(&acme.email, "Confirm", 1).await.remove(0);
    app.anonymous().post("/api/v1/auth/verify-email", json!({"token": mail.token()})).await.expect(204);
    let (_, codes, _) = switch_on(&acme).await;
    app.anonymous().post("/api/v1/auth/forgot-password", json!({"email": acme.email})).await.expect(202);
    let token = app.mails_about(&acme.email, "Reset", 1).await.remove(0).token();
    let body = json!({"token": token, "password": PASSWORD});
    app.anonymous().post("/api/v1/auth/reset-password", body).await.expect(204);

    log_in(&app, &acme.email, None).await.expect_problem(401, "second_factor_required");
    log_in(&app, &acme.email, Some(&codes[0])).await.expect(200);
}

/// Somebody else may have signed up with the address, to lock out who has it.
#[tokio::test]
async fn a_second_factor_of_an_address_that_was_never_confirmed_goes_with_the_reset() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    switch_on(&acme).await;
    app.anonymous().post("/api/v1/auth/forgot-password", json!({"email": acme.email})).await.expect(202);
    let token = app.mails_about(&acme.email, "Reset", 1).await.remove(0).token();
    let body = json!({"token": token, "password": PASSWORD});
    app.anonymous().post("/api/v1/auth/reset-password", body).await.expect(204);

    log_in(&app, &acme.email, None).await.expect(200);
}
