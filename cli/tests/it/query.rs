//! `cordwood query` over files.

use crate::run::{cordwood, fed, said, shown};

const LINES: &str = r#"{"timestamp":"2026-03-10T10:00:00Z","level":"info","source":"api","message":"GET /cart 200","duration_ms":12}
{"timestamp":"2026-03-10T10:00:01Z","level":"error","source":"api","message":"upstream timeout","http":{"status":504}}
{"timestamp":"2026-03-10T10:01:00Z","level":"warn","source":"worker","message":"retry of job 7","duration_ms":80}
{"timestamp":"2026-03-10T10:02:00Z","level":"error","source":"worker","message":"job 7 failed: \"timeout\""}
"#;

struct Folder(tempfile::TempDir);

impl Folder {
    fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::write(folder.path().join("app.ndjson"), LINES).expect("writable");
        Self(folder)
    }

    fn path(&self, name: &str) -> String {
        self.0.path().join(name).display().to_string()
    }
}

#[test]
fn events_are_lines_for_people_in_the_order_of_the_file() {
    let folder = Folder::new();
    assert_eq!(
        said(&["query", "timeout", &folder.path("*.ndjson")]),
        "2026-03-10 10:00:01.000 ERROR api upstream timeout http.status=504\n\
         2026-03-10 10:02:00.000 ERROR worker job 7 failed: \"timeout\"\n"
    );
    let berlin = said(&["query", "retry", &folder.path("app.ndjson"), "--tz", "Europe/Berlin"]);
    assert_eq!(berlin, "2026-03-10 11:01:00.000 WARN  worker retry of job 7 duration_ms=80\n");
}

#[test]
fn on_a_terminal_levels_are_coloured_and_matched_words_are_marked() {
    let folder = Folder::new();
    assert_eq!(
        shown(&["query", "upstream", &folder.path("app.ndjson")]),
        "\x1b[2m2026-03-10 10:00:01.000\x1b[0m \x1b[1;31mERROR\x1b[0m \x1b[34mapi\x1b[0m \
         \x1b[1;30;43mupstream\x1b[0m timeout \x1b[2mhttp.status=\x1b[0m504\n"
    );
    let plain = shown(&["query", "upstream", &folder.path("app.ndjson"), "--color", "never"]);
    assert!(!plain.contains('\x1b'), "{plain}");
}

#[test]
fn tables_are_aligned_and_have_bars_on_a_terminal() {
    let folder = Folder::new();
    let query =
        ["query", "* | stats count() as n, avg(duration_ms) as avg by level", &folder.path("app.ndjson")];
    assert_eq!(said(&query), "level  n  avg\ninfo   1   12\nwarn   1   80\nerror  2    -\n");
    assert_eq!(
        shown(&query),
        "\x1b[1mlevel  n  avg\x1b[0m\n\
         info   1   12  \x1b[36m████████████\x1b[0m\n\
         warn   1   80  \x1b[36m████████████\x1b[0m\n\
         error  2    -  \x1b[36m████████████████████████\x1b[0m\n"
    );
}

#[test]
fn time_charts_are_rows_when_piped_and_sparklines_on_a_terminal() {
    let folder = Folder::new();
    let query = ["query", "* | timechart count() by source every=1m", &folder.path("app.ndjson")];
    assert_eq!(
        said(&query),
        "timestamp             source  count\n\
         2026-03-10T10:00:00Z  api         2\n\
         2026-03-10T10:00:00Z  worker      0\n\
         2026-03-10T10:01:00Z  api         0\n\
         2026-03-10T10:01:00Z  worker      1\n\
         2026-03-10T10:02:00Z  api         0\n\
         2026-03-10T10:02:00Z  worker      1\n"
    );
    assert_eq!(
        shown(&query),
        "api     \x1b[36m█▁▁\x1b[0m  0 – 2\nworker  \x1b[36m▁██\x1b[0m  0 – 1\n\
         \x1b[2m        2026-03-10T10:00:00Z to 2026-03-10T10:02:00Z\x1b[0m\n"
    );
}

#[test]
fn data_comes_as_json_ndjson_csv_or_as_it_was() {
    let folder = Folder::new();
    let file = folder.path("app.ndjson");
    let fields = "level:error | fields source, message";
    assert_eq!(
        said(&["query", fields, &file, "-o", "ndjson"]),
        "{\"source\":\"api\",\"message\":\"upstream timeout\"}\n{\"source\":\"worker\",\"message\":\"job 7 failed: \\\"timeout\\\"\"}\n"
    );
    assert_eq!(
        said(&["query", fields, &file, "-o", "json", "-n", "1"]),
        "[\n{\"source\":\"api\",\"message\":\"upstream timeout\"}\n]\n"
    );
    assert_eq!(said(&["query", "level:debug", &file, "-o", "json"]), "[]\n");
    assert_eq!(
        said(&["query", fields, &file, "-o", "csv"]),
        "source,message\napi,upstream timeout\nworker,\"job 7 failed: \"\"timeout\"\"\"\n"
    );
    assert_eq!(said(&["query", fields, &file]), "api\tupstream timeout\nworker\tjob 7 failed: \"timeout\"\n");
    assert_eq!(
        said(&["query", "retry", &file, "-o", "raw"]),
        LINES.lines().nth(2).expect("a line").to_owned() + "\n"
    );
}

#[test]
fn standard_input_is_read_and_lines_of_text_stay_as_they_are() {
    let log = "2026-03-10 10:00:00 INFO start\n2026-03-10 10:00:01 ERROR java.lang.E: boom\n\tat a.b(C.java:1)\nCaused by: x\n";
    let output = fed(&["query", "level:error boom", "-"], log);
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "2026-03-10 10:00:01 ERROR java.lang.E: boom\n\tat a.b(C.java:1)\nCaused by: x\n"
    );
    let chart = fed(&["query", "* | timechart count() every=1s", "-"], log);
    assert_eq!(
        String::from_utf8_lossy(&chart.stdout),
        "timestamp             count\n2026-03-10T10:00:00Z      1\n2026-03-10T10:00:01Z      1\n"
    );
}

#[test]
fn scripts_are_told_by_the_exit_status() {
    let folder = Folder::new();
    let file = folder.path("app.ndjson");
    let code = |arguments: &[&str]| cordwood(arguments).output().expect("it runs").status.code();
    assert_eq!(code(&["query", "level:fatal", &file]), Some(0));
    assert_eq!(code(&["query", "level:fatal", &file, "--fail-on-match"]), Some(0));
    assert_eq!(code(&["query", "level:error", &file, "--fail-on-match"]), Some(1));
    assert_eq!(code(&["query", "level:", &file]), Some(2));
    assert_eq!(code(&["query", "*", "/nowhere/app.log"]), Some(2));
}

#[test]
fn errors_point_at_what_was_typed_and_say_what_to_write() {
    let folder = Folder::new();
    let output = cordwood(&["query", "level:eror | stats count()", &folder.path("app.ndjson")])
        .output()
        .expect("it runs");
    assert_eq!(
        String::from_utf8_lossy(&output.stderr),
        "error[E023]: 'eror' is not a level\n  level:eror | stats count()\n        ^^^^\n\
         hint: did you mean error? levels: trace < debug < info < warn < error < fatal\n\
         try: level:error | stats count()\n"
    );
    let refused =
        cordwood(&["query", "* | context before=1", &folder.path("app.ndjson")]).output().expect("it runs");
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.starts_with("error[E025]: this stage needs other stored events"), "{text}");
    assert!(text.contains("\n      ^^^^^^^\n"), "{text}");
}

#[test]
fn the_range_is_cut_as_in_the_interface() {
    let folder = Folder::new();
    let file = folder.path("app.ndjson");
    let count = |range: &[&str]| {
        let mut arguments = vec!["query", "* | stats count()", &file, "-o", "csv"];
        arguments.extend(range);
        said(&arguments)
    };
    assert_eq!(count(&[]), "count\n4\n");
    assert_eq!(count(&["--from", "2026-03-10 10:01"]), "count\n2\n");
    assert_eq!(count(&["--last", "1m", "--now", "2026-03-10T10:02:01Z"]), "count\n1\n");
    assert_eq!(count(&["--from", "2026-03-10T10:00:00Z", "--to", "2026-03-10T10:00:01Z"]), "count\n1\n");
}
