//! The pages of the web UI, and what is no page.

use crate::harness::TestApp;

#[tokio::test]
async fn a_browser_gets_a_page_for_any_address_that_is_none_of_the_api() {
    let app = TestApp::spawn().await;
    let browser = app.anonymous().with_header("accept", "text/html,application/xhtml+xml,*/*;q=0.8");
    for path in ["/", "/explore", "/alerts/rules/1"] {
        let answer = browser.get(path).await;
        // 503 and how to build it, when the UI is not built.
        assert!([200, 503].contains(&answer.status), "{path}: {}", answer.status);
        assert!(answer.header("content-type").starts_with("text/html"), "{path}");
        assert!(answer.text.contains("Cordwood"), "{path}");
        assert!(answer.header("content-security-policy").contains("default-src 'none'"));
    }
    browser.get("/api/v1/nothing").await.expect_problem(404, "not_found");
    browser.get("/assets/nothing.js").await.expect_problem(404, "not_found");
}

#[tokio::test]
async fn a_program_gets_problem_documents() {
    let app = TestApp::spawn().await;
    let program = app.anonymous();
    program.get("/nothing").await.expect_problem(404, "not_found");
    program.delete("/nothing").await.expect_problem(404, "not_found");
    program.delete("/healthz").await.expect_problem(405, "method_not_allowed");
    let answer = program.get("/healthz").await.expect(200);
    assert_eq!(answer.header("x-content-type-options"), "nosniff");
    assert!(!answer.header("x-request-id").is_empty());
}
