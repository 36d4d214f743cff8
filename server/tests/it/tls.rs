//! TLS in the server itself, and a certificate that changes while it runs.

use crate::harness::{TestApp, eventually};
use reqwest::tls::TlsInfo;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

const FIRST: (&str, &str) = (include_str!("certificates/first.pem"), include_str!("certificates/first.key"));
const SECOND: (&str, &str) =
    (include_str!("certificates/second.pem"), include_str!("certificates/second.key"));

fn write(folder: &Path, (chain, key): (&str, &str)) -> [String; 2] {
    let [chain_file, key_file] = [folder.join("tls.pem"), folder.join("tls.key")];
    std::fs::write(&key_file, key).unwrap();
    std::fs::set_permissions(&key_file, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::fs::write(&chain_file, chain).unwrap();
    [chain_file, key_file].map(|path| path.display().to_string())
}

/// The certificate that a new connection is shown.
async fn shown(app: &TestApp) -> Vec<u8> {
    let client = reqwest::Client::builder().no_proxy().tls_info(true).tls_danger_accept_invalid_certs(true);
    let answer = client.build().unwrap().get(format!("{}/healthz", app.url)).send().await.unwrap();
    answer.extensions().get::<TlsInfo>().unwrap().peer_certificate().unwrap().to_vec()
}

fn der(pem: &str) -> Vec<u8> {
    use rustls::pki_types::pem::PemObject;
    rustls::pki_types::CertificateDer::from_pem_slice(pem.as_bytes()).unwrap().to_vec()
}

#[tokio::test]
async fn a_certificate_is_served_and_followed_when_it_changes() {
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = write(folder.path(), FIRST);
    let app = TestApp::spawn_with(&["--tls-certificate", &chain, "--tls-certificate-key", &key]).await;
    assert_eq!(shown(&app).await, der(FIRST.0));
    let health = app.anonymous().get("/healthz").await.expect(200);
    assert_eq!(health.header("strict-transport-security"), "max-age=31536000; includeSubDomains");

    write(folder.path(), (SECOND.0, "no key"));
    eventually("the server to say that the files are wrong", async || {
        std::fs::read_to_string(app.data("server.log"))
            .unwrap()
            .contains("the certificate in use stays")
            .then_some(())
    })
    .await;
    assert_eq!(shown(&app).await, der(FIRST.0), "what cannot be used changes nothing");
    write(folder.path(), SECOND);
    eventually("the new certificate", async || (shown(&app).await == der(SECOND.0)).then_some(())).await;
}

#[tokio::test]
async fn sessions_are_bound_to_this_host_and_to_tls() {
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = write(folder.path(), FIRST);
    let app = TestApp::spawn_with(&["--tls-certificate", &chain, "--tls-certificate-key", &key]).await;
    let body = serde_json::json!({"email": "a@b.example", "password": crate::harness::PASSWORD, "name": "A", "organization": "B"});
    let session = app.anonymous().post("/api/v1/auth/signup", body).await.expect(201);
    let cookies: Vec<_> =
        session.headers.get_all("set-cookie").iter().map(|it| it.to_str().unwrap()).collect();
    for name in ["__Host-cw_at=", "__Host-cw_rt="] {
        let cookie = cookies.iter().find(|cookie| cookie.starts_with(name)).unwrap();
        assert!(
            cookie.contains("; Secure") && cookie.contains("; HttpOnly") && cookie.contains("; Path=/"),
            "{cookie}"
        );
    }
}

#[tokio::test]
async fn a_key_that_everybody_can_read_keeps_the_server_from_starting() {
    let folder = tempfile::tempdir().unwrap();
    let [chain, key] = write(folder.path(), FIRST);
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let mut command = tokio::process::Command::new(env!("CARGO_BIN_EXE_cordwood-server"));
    command.args(["--listen", "127.0.0.1:0", "--tls-certificate", &chain, "--tls-certificate-key", &key]);
    let output = command.arg("--data-dir").arg(folder.path()).env_clear().output().await.unwrap();
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("chmod"), "{output:?}");
}
