//! What the operator does beside a running server.

use crate::harness::{PASSWORD, TestApp, eventually};
use serde_json::json;
use std::process::Output;
use tokio::process::Command;

pub async fn admin(app: &TestApp, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_cordwood-server"));
    command.arg("admin").args(arguments).args(app.database_flags()).env_clear();
    command.output().await.expect("the program runs")
}

pub fn said(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[tokio::test]
async fn the_operator_lists_organizations_and_ends_their_keys() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    let program = app.with_credential(acme.api_key(&["admin"]).await["secret"].as_str().unwrap());

    let listed = said(&admin(&app, &["organizations"]).await);
    assert!(listed.lines().any(|line| line.contains("\tacme\t1\t1\t1\t")), "{listed}");
    assert!(said(&admin(&app, &["revoke-keys", "acme"]).await).starts_with("1 keys"));

    eventually("the server to notice", async || {
        (program.get("/api/v1/projects").await.status == 401).then_some(())
    })
    .await;
    let log = acme.get("/api/v1/audit-log?q=action:api_key.all_revoked").await.expect(200).body;
    assert_eq!(log["items"][0]["actor"]["kind"], "system");
    let fresh = acme.api_key(&["query"]).await["secret"].as_str().unwrap().to_owned();
    let rotated = said(&admin(&app, &["rotate-keys", "acme"]).await);
    let secret = rotated.lines().nth(1).unwrap().rsplit('\t').next().unwrap();
    for works in [fresh.as_str(), secret] {
        let answer = app.with_credential(works).post("/api/v1/query/check", json!({"query": "*"})).await;
        answer.expect(200);
    }
    assert_eq!(rotated.lines().count(), 2, "revoked ones are not rotated: {rotated}");
    let wrong = admin(&app, &["revoke-keys", "globex"]).await;
    assert!(!wrong.status.success() && String::from_utf8_lossy(&wrong.stderr).contains("globex"));
    assert!(!admin(&app, &["conquer"]).await.status.success());
}

#[tokio::test]
async fn the_operator_helps_who_has_lost_the_second_factor() {
    let app = TestApp::spawn().await;
    let acme = app.org("acme").await;
    assert!(!admin(&app, &["reset-second-factor", &acme.email]).await.status.success());
    crate::second_factor::switch_on(&acme).await;
    let body = json!({"email": acme.email, "password": PASSWORD});
    app.anonymous().post("/api/v1/auth/login", body.clone()).await.expect(401);

    said(&admin(&app, &["reset-second-factor", "Owner@acme.example"]).await);

    app.anonymous().post("/api/v1/auth/login", body).await.expect(200);
}
