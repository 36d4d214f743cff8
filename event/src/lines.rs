//! Splits a text body into events: a line each, or a stack trace with the line it belongs to.
//!
//! Lines that are blank are no events. If the first line ends with CR LF, so do all of them; else a CR is text.
//! A line is only joined to the one before by its shape (a Java, .NET or JavaScript frame, Python's traceback, a
//! goroutine); an indented line alone is an event of its own.

mod join;

use join::{Joiner, Lines};

/// An event made of lines stops growing here; what follows is the next one.
const LONGEST: usize = 256 * 1024;

/// The events of a text body, as slices of it.
pub struct Groups<'a> {
    lines: Lines<'a>,
    at: usize,
}

impl<'a> Groups<'a> {
    pub fn of_body(body: &'a [u8]) -> Self {
        let first_end = body.iter().position(|byte| *byte == b'\n');
        let crlf = first_end.is_some_and(|end| body[..end].ends_with(b"\r"));
        Self { lines: Lines { body, crlf }, at: 0 }
    }
}

impl<'a> Iterator for Groups<'a> {
    type Item = &'a [u8];

    fn next(&mut self) -> Option<&'a [u8]> {
        let first = self.lines.visible(self.at)?;
        let mut joiner = Joiner::open(&self.lines, &first);
        let mut last = first;
        while let Some(next) = self.lines.at(last.next) {
            if next.end - first.start > LONGEST {
                break;
            }
            match joiner.joins(&self.lines, &next) {
                Some(joined) => last = joined,
                None => break,
            }
        }
        self.at = last.next;
        Some(&self.lines.body[first.start..last.end])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(body: &str) -> Vec<&str> {
        Groups::of_body(body.as_bytes()).map(|group| std::str::from_utf8(group).unwrap()).collect()
    }

    /// Between two ordinary lines, the text is one event.
    fn is_one_event(text: &str) {
        let body = format!("before\n{text}\n2026-03-10 10:00:00 INFO after");
        assert_eq!(groups(&body), ["before", text, "2026-03-10 10:00:00 INFO after"]);
        let crlf = text.replace('\n', "\r\n");
        assert_eq!(
            groups(&body.replace('\n', "\r\n")),
            ["before", crlf.as_str(), "2026-03-10 10:00:00 INFO after"]
        );
    }

    #[test]
    fn a_line_is_an_event_and_a_blank_line_is_none() {
        assert_eq!(groups("a\n\n  b \n\t\nc"), ["a", "  b ", "c"]);
        assert_eq!(groups("a\r\nb\r\n"), ["a", "b"]);
        assert_eq!(groups("a\nb\r\n"), ["a", "b\r"]);
        assert_eq!(groups(""), [""; 0]);
        assert_eq!(
            groups("one\n  indented, yet no frame\n at dawn\nCaused a stir"),
            ["one", "  indented, yet no frame", " at dawn", "Caused a stir"]
        );
    }

    #[test]
    fn a_java_trace_belongs_to_its_line() {
        is_one_event(
            "2026-03-10 10:00:00,123 ERROR [main] com.acme.Worker - job failed\n\
             java.lang.IllegalStateException: queue closed\n\
             \tat com.acme.Queue.take(Queue.java:42)\n\
             \tat com.acme.Worker.run(Worker.java:17) ~[app.jar:1.0]\n\
             \tSuppressed: java.io.IOException: pipe\n\
             \t\tat com.acme.Pipe.close(Pipe.java:3)\n\
             \t\t... 2 more\n\
             Caused by: java.net.SocketException: reset\n\
             \tat java.net.Socket.read(Socket.java:1)\n\
             \t... 5 common frames omitted",
        );
        is_one_event(
            "Exception in thread \"main\" java.lang.NullPointerException\n\tat com.acme.Main.main(Main.java:5)",
        );
        is_one_event(
            "Mar 10, 2026 10:00:00 AM com.acme.Main run\nSEVERE: failed\njava.lang.Error: x\n\tat com.acme.Main.run(Main.java:5)",
        );
    }

    #[test]
    fn a_python_traceback_is_one_event_with_its_chain() {
        is_one_event(
            "Traceback (most recent call last):\n  File \"a.py\", line 1, in <module>\n    f()\n    ^^^\nKeyError: 'x'\n\n\
             During handling of the above exception, another exception occurred:\n\n\
             Traceback (most recent call last):\n  File \"a.py\", line 3, in <module>\n    g()\nValueError: bad",
        );
        is_one_event(
            "ERROR:root:failed\nTraceback (most recent call last):\n  File \"a.py\", line 1, in f\n    f()\nrequests.exceptions.HTTPError: 404",
        );
    }

    #[test]
    fn two_tracebacks_in_a_row_are_two_events() {
        let trace = "Traceback (most recent call last):\n  File \"a.py\", line 1, in f\nKeyError: 'x'";
        assert_eq!(groups(&format!("{trace}\n{trace}\nplain")), [trace, trace, "plain"]);
    }

    #[test]
    fn go_panics_are_one_event() {
        is_one_event(
            "panic: runtime error: invalid memory address\n[signal SIGSEGV: segmentation violation code=0x1]\n\n\
             goroutine 1 [running]:\nmain.run(0x0)\n\t/app/main.go:12 +0x1d\nmain.main()\n\t/app/main.go:5 +0x20\n\n\
             goroutine 7 [select]:\nnet/http.(*Server).Serve()\n\t/go/server.go:1 +0x1\ncreated by main.main in goroutine 1\n\t/app/main.go:4 +0x3\nexit status 2",
        );
        assert_eq!(groups("panic: at the disco\nnext"), ["panic: at the disco", "next"]);
    }

    #[test]
    fn javascript_errors_are_one_event_with_the_source_and_the_properties() {
        is_one_event(
            "TypeError: Cannot read properties of undefined (reading 'id')\n    at handler (/app/x.js:10:5)\n    at async /app/y.js:1:1",
        );
        is_one_event(
            "/app/x.js:10\n        throw new Error('boom')\n        ^\n\nError: boom\n    at run (/app/x.js:10:15)\n    at node:internal/main:1:1 {\n  code: 'E1',\n  meta: [Object]\n}",
        );
    }

    #[test]
    fn dotnet_ruby_php_and_rust_traces_are_one_event() {
        is_one_event(
            "Unhandled exception. System.InvalidOperationException: no\n ---> System.Exception: inner\n   at App.Inner() in /src/App.cs:line 3\n   \
             --- End of inner exception stack trace ---\n   at App.Main(String[] args)",
        );
        is_one_event(
            "fail: Microsoft.AspNetCore.Server.Kestrel[13]\n      Connection id \"1\" failed\n      System.Exception: no\n         at App.Run()",
        );
        is_one_event(
            "app.rb:3:in `f': boom (RuntimeError)\n\tfrom app.rb:7:in `g'\n\tfrom app.rb:9:in `<main>'",
        );
        is_one_event(
            "PHP Fatal error:  Uncaught Exception: boom in /app/x.php:3\nStack trace:\n#0 /app/x.php(7): f()\n#1 {main}\n  thrown in /app/x.php on line 3",
        );
        is_one_event(
            "thread 'main' panicked at src/main.rs:2:5:\nboom\nstack backtrace:\n   0: rust_begin_unwind\n             at /rustc/std.rs:1:2\n   1: main\nnote: Some details are omitted",
        );
    }

    #[test]
    fn an_event_of_lines_does_not_grow_without_end() {
        let body = format!("x.E: y\n{}", "\tat a.b(C.java:1)\n".repeat(100_000));
        let groups = groups(&body);
        assert!(groups.len() > 1 && groups.iter().all(|group| group.len() <= LONGEST));
        assert_eq!(groups.iter().map(|group| group.len() + 1).sum::<usize>(), body.len());
    }

    proptest::proptest! {
        #[test]
        fn nothing_but_blank_lines_is_left_out(lines in proptest::collection::vec(
            proptest::sample::select(vec![
                "", " ", "plain", "  at x (y:1)", "Caused by: x", "Traceback (most recent call last):", "  File", "KeyError: 'x'",
                "panic: x", "goroutine 1 [running]:", "\tx.go:1", "java.lang.Error: x", "2026-03-10 10:00:00 ERROR x", "Stack trace:", "#0 x", "}", "a {",
                "thread 'main' panicked at x:", "During handling of the above exception, another exception occurred:", "fail: X[1]", "      y", "/x.js:1", "   ^",
            ]), 0..12), crlf: bool) {
            let body = lines.join(if crlf { "\r\n" } else { "\n" });
            let visible = |text: &str| text.split(['\n', '\r']).filter(|line| !line.trim().is_empty()).map(str::to_owned).collect::<Vec<_>>();
            let grouped: Vec<_> = groups(&body).into_iter().flat_map(visible).collect();
            proptest::prop_assert_eq!(grouped, visible(&body));
        }
    }
}
