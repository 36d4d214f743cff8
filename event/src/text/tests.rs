//! Lines of the shape that each logger writes, and what is found in them.

use super::*;
use crate::time::format_rfc3339;

const NOW: i64 = 1_773_136_800_000_000_000; // 2026-03-10T10:00:00Z

/// `time level program host attributes`, with `-` for what was not found.
fn shown(text: &str) -> String {
    let found = recognise(text, NOW);
    let time = found.time_ns.map_or("-".to_owned(), format_rfc3339);
    let level = found.level.map_or("-", Level::as_str);
    let text = |text: Option<Cow<str>>| text.map_or("-".to_owned(), Cow::into_owned);
    format!("{time} {level} {} {} {}", text(found.program), text(found.host), found.attributes.to_json())
}

#[track_caller]
fn finds(cases: &[(&str, &str)]) {
    for (text, expected) in cases {
        assert_eq!(shown(text), *expected, "{text}");
    }
}

#[test]
fn java_loggers() {
    finds(&[
        (
            "2026-03-09 18:01:47,978 INFO [main] org.acme.mapreduce.AppMaster: Created AppMaster for attempt_1",
            r#"2026-03-09T18:01:47.978Z info org.acme.mapreduce.AppMaster - {"thread":"main"}"#,
        ),
        (
            "2026-03-09 18:01:48,963 WARN [IPC Server handler 3 on 6220] org.acme.ipc.Server: slow",
            r#"2026-03-09T18:01:48.963Z warn org.acme.ipc.Server - {"thread":"IPC Server handler 3 on 6220"}"#,
        ),
        (
            "2026-03-09 17:41:44,747 - INFO  [Peer[myid=1]/0:0:0:0:0:0:0:0:2181:LeaderElection@774] - Notification time out: 3200",
            r#"2026-03-09T17:41:44.747Z info LeaderElection - {"thread":"Peer[myid=1]/0:0:0:0:0:0:0:0:2181","line":774}"#,
        ),
        (
            "260309 203615 148 INFO dfs.DataNode$Responder: Responder 1 for block blk_1 terminating",
            r#"2026-03-09T20:36:15Z info dfs.DataNode$Responder - {"pid":148}"#,
        ),
        (
            "26/03/09 20:10:40 INFO executor.Backend: Registered signal handlers for [TERM, HUP]",
            "2026-03-09T20:10:40Z info executor.Backend - {}",
        ),
        ("10:15:30.123 [main] DEBUG com.acme.App - ready", r#"- debug com.acme.App - {"thread":"main"}"#),
        (
            "2026-03-09T10:15:30.123Z  INFO 12345 --- [app] [           main] c.acme.Application  : Started in 2 s",
            r#"2026-03-09T10:15:30.123Z info c.acme.Application - {"pid":12345,"thread":"app"}"#,
        ),
        ("Mar 9, 2026 1:15:30 PM com.acme.Main run\nSEVERE: failed", "2026-03-09T13:15:30Z - - - {}"),
    ]);
}

#[test]
fn python_loggers() {
    finds(&[
        (
            "2026-03-09 10:15:30,123 - billing - ERROR - card declined",
            "2026-03-09T10:15:30.123Z error billing - {}",
        ),
        ("ERROR:root:card declined", "- error - - {}"),
        (
            "[2026-03-09 10:15:30 +0000] [12] [INFO] Booting worker",
            r#"2026-03-09T10:15:30Z info - - {"pid":12}"#,
        ),
        (
            "[2026-03-09 10:15:30,123] {taskinstance.py:77} WARNING - retry",
            r#"2026-03-09T10:15:30.123Z warn - - {"file":"taskinstance.py","line":77}"#,
        ),
        (
            "[2026-03-09 10:15:30,123: INFO/MainProcess] Task done",
            r#"2026-03-09T10:15:30.123Z info - - {"thread":"MainProcess"}"#,
        ),
        (
            "2026-03-09 10:15:30.123 | INFO     | app.main:run:12 - started",
            "2026-03-09T10:15:30.123Z info app.main:run:12 - {}",
        ),
        (
            "2026-03-09 00:00:00.008 25746 INFO nova.wsgi.server [req-38101a0b 113d 54fa - - -] 10.11.10.1 \"GET /v2/servers HTTP/1.1\" status: 200 len: 1893",
            r#"2026-03-09T00:00:00.008Z info nova.wsgi.server - {"pid":25746,"request_id":"req-38101a0b","http.method":"GET","http.path":"/v2/servers","http.version":"1.1","http.status":200}"#,
        ),
        (
            "api.log.1.2026-03-09_13:53:08 2026-03-09 00:00:00.272 25746 WARNING nova.manager [-] While syncing",
            r#"2026-03-09T00:00:00.272Z warn nova.manager - {"pid":25746}"#,
        ),
        (
            "INFO:     127.0.0.1:5000 - \"POST /login?x=1 HTTP/1.1\" 401 Unauthorized",
            r#"- info - - {"http.method":"POST","http.path":"/login","http.query":"x=1","http.version":"1.1","http.status":401}"#,
        ),
    ]);
}

#[test]
fn loggers_of_go_rust_ruby_javascript_and_dotnet() {
    finds(&[
        (
            "E0309 10:15:30.123456   4242 reflector.go:147] watch failed",
            r#"2026-03-09T10:15:30.123456Z error - - {"thread":4242,"file":"reflector.go","line":147}"#,
        ),
        ("2026/03/09 10:15:30 main.go:12: started", "2026-03-09T10:15:30Z - - - {}"),
        (
            "2026-03-09T10:15:30.123Z\tINFO\tpkg.server\tserver.go:12\tlistening",
            "2026-03-09T10:15:30.123Z info pkg.server - {}",
        ),
        ("[2026-03-09T10:15:30Z WARN  my_app::db] slow query", "2026-03-09T10:15:30Z warn my_app::db - {}"),
        (
            "2026-03-09T10:15:30.123456Z  INFO my_app::http: request done",
            "2026-03-09T10:15:30.123456Z info my_app::http - {}",
        ),
        (
            "W, [2026-03-09T10:15:30.123456 #1234]  WARN -- : slow",
            r#"2026-03-09T10:15:30.123456Z warn - - {"pid":1234}"#,
        ),
        ("info: Microsoft.Hosting.Lifetime[14]", "- info - - {}"),
        ("error: listen EADDRINUSE", "- error - - {}"),
        ("web_1  | 2026-03-09 10:15:30 ERROR boom", "2026-03-09T10:15:30Z error - - {}"),
        ("[ERROR] boom", "- error - - {}"),
        ("WARN disk almost full", "- warn - - {}"),
    ]);
}

#[test]
fn syslog_lines_in_files() {
    finds(&[
        (
            "Mar  9 15:16:01 combo sshd(pam_unix)[19939]: authentication failure; logname= uid=0 user=root",
            r#"2026-03-09T15:16:01Z - sshd combo {"pid":19939}"#,
        ),
        (
            "Mar  9 06:55:46 lab sshd[24200]: error: Received disconnect from 10.0.0.1",
            r#"2026-03-09T06:55:46Z error sshd lab {"pid":24200}"#,
        ),
        ("Mar  9 06:55:46 lab kernel: Linux version 6.1", "2026-03-09T06:55:46Z - kernel lab {}"),
        (
            "2026-03-09T06:55:46.123456+01:00 lab cron[7]: (root) CMD (x)",
            r#"2026-03-09T05:55:46.123456Z - cron lab {"pid":7}"#,
        ),
        (
            "<34>Mar  9 06:55:46 lab su: 'su root' failed",
            r#"2026-03-09T06:55:46Z fatal su lab {"severity":"crit","facility":"auth"}"#,
        ),
    ]);
}

#[test]
fn web_servers_and_databases() {
    finds(&[
        (
            r#"10.0.0.9 - alice [09/Mar/2026:13:55:36 +0000] "GET /a/b?c=1 HTTP/1.1" 503 2326 "https://x.example/" "Mozilla/5.0 (X11) \"q\"""#,
            r#"2026-03-09T13:55:36Z error - - {"client.ip":"10.0.0.9","user.name":"alice","http.method":"GET","http.path":"/a/b","http.query":"c=1","http.version":"1.1","http.status":503,"bytes":2326,"http.referer":"https://x.example/","http.user_agent":"Mozilla/5.0 (X11) \\\"q\\\""}"#,
        ),
        (
            r#"2001:db8::1 - - [09/Mar/2026:13:55:36 +0100] "-" 400 0 "-" "-""#,
            r#"2026-03-09T12:55:36Z warn - - {"client.ip":"2001:db8::1","http.status":400,"bytes":0}"#,
        ),
        (
            "[Mon Mar 09 04:47:44 2026] [notice] workerEnv.init() ok /etc/httpd/workers.properties",
            "2026-03-09T04:47:44Z info - - {}",
        ),
        (
            "[Mon Mar 09 10:42:29.902022 2026] [core:error] [pid 35708:tid 4328] [client 10.0.0.9:4711] File does not exist: /favicon.ico",
            r#"2026-03-09T10:42:29.902022Z error - - {"pid":35708,"thread":"4328","client.ip":"10.0.0.9"}"#,
        ),
        (
            r#"2026/03/09 10:15:30 [error] 12#34: *56 open() "/x" failed (2: No such file), client: 10.0.0.9, server: acme.example, request: "GET /x HTTP/1.1", host: "acme.example""#,
            r#"2026-03-09T10:15:30Z error - - {"pid":12,"thread":34,"http.method":"GET","http.path":"/x","http.version":"1.1","client.ip":"10.0.0.9","server":"acme.example","http.host":"acme.example"}"#,
        ),
        (
            "2026-03-09 10:15:30.123 UTC [1234] LOG:  checkpoint complete",
            r#"2026-03-09T10:15:30.123Z info - - {"pid":1234}"#,
        ),
        (
            "2026-03-09 10:15:30.123 UTC [1234] FATAL:  too many connections",
            r#"2026-03-09T10:15:30.123Z fatal - - {"pid":1234}"#,
        ),
        (
            "2026-03-09T10:15:30.123456Z 0 [Warning] [MY-010055] [Server] aborted",
            r#"2026-03-09T10:15:30.123456Z warn - - {"pid":0,"thread":"MY-010055"}"#,
        ),
    ]);
}

#[test]
fn logfmt_and_json_give_typed_fields() {
    finds(&[
        (
            r#"ts=2026-03-09T10:15:30Z level=warn msg="slow \"query\"" duration=1.5 rows=42 ok=true zip=007 trace_id=abc empty="#,
            r#"2026-03-09T10:15:30Z warn - - {"level":"warn","msg":"slow \"query\"","duration":1.5,"rows":42,"ok":true,"zip":"007","trace_id":"abc","empty":""}"#,
        ),
        (
            r#"{"level":"error","time":"2026-03-09T10:15:30Z","msg":"x","n":1}"#,
            r#"2026-03-09T10:15:30Z error - - {"level":"error","msg":"x","n":1}"#,
        ),
    ]);
}

#[test]
fn the_exception_of_a_trace_is_named() {
    finds(&[
        (
            "java.lang.IllegalStateException: queue closed\n\tat com.acme.Queue.take(Queue.java:42)\nCaused by: x.Y: z",
            r#"- error - - {"error.type":"java.lang.IllegalStateException","error.message":"queue closed"}"#,
        ),
        (
            "2026-03-09 10:00:00 WARN [main] a.B: failed\njava.io.IOException: pipe\n\tat a.b(C.java:1)",
            r#"2026-03-09T10:00:00Z warn a.B - {"thread":"main","error.type":"java.io.IOException","error.message":"pipe"}"#,
        ),
        (
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'",
            r#"- error - - {"error.type":"KeyError","error.message":"'x'"}"#,
        ),
        (
            "panic: boom\n\ngoroutine 1 [running]:\nmain.main()\n\t/app/main.go:5",
            r#"- fatal - - {"error.type":"panic","error.message":"boom"}"#,
        ),
        (
            "TypeError: x is undefined\n    at f (/app/x.js:1:2)",
            r#"- error - - {"error.type":"TypeError","error.message":"x is undefined"}"#,
        ),
    ]);
}

#[test]
fn sentences_give_nothing() {
    for text in [
        "hello world",
        "user=alice logged in",
        "Login failed for user=alice from 10.0.0.7",
        "error rate is 5%",
        "Information wants to be free",
        "the level: info",
        "a [b] c",
        "[b] c",
        "kernel: eth0: link up",
        "GET /x 200 in 12ms",
        "1 2 3",
        "{not json}",
        "<b>bold</b>",
        "info",
        "100% done",
        "=",
        "ERRORS: none",
        "payment of 20.50 EUR",
        "slow query: SELECT 1",
        "INFO_LEVEL=3",
        "tick 1 uuid=550e8400-e29b-41d4-a716-446655440000",
    ] {
        assert_eq!(recognise(text, NOW), Findings::default(), "{text}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(1_000))]

    #[test]
    fn no_text_makes_it_panic(text in "([\\[\\]{}()<>\"=:#/ \\-|,.é\n\t]|2026-03-09 10:15:30|Mar  9 10:15:30|ERROR|info|at|pid |client |[a-z0-9]{1,5}|Traceback \\(most recent call last\\):|panic: |HTTP/1.1|GET ){0,25}") {
        recognise(&text, NOW);
        begins_event(&text);
    }
}
