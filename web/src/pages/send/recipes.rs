//! Commands and settings that send logs here, for what people run. Each works as it stands once copied.

/// A way to send logs. In `code`, `{url}` is the address of ingest, `{origin}` that of the server, `{host}` and `{port}` its parts,
/// `{tls}` is `On` or `Off`, and `{key}` the API key.
#[derive(Debug, PartialEq, Eq)]
pub struct Recipe {
    pub name: &'static str,
    pub text: &'static str,
    code: &'static str,
}

impl Recipe {
    pub fn fill(&self, origin: &str, key: &str) -> String {
        let (scheme, authority) = origin.split_once("://").unwrap_or(("http", origin));
        let secure = scheme == "https";
        let (host, port) =
            authority.rsplit_once(':').unwrap_or((authority, if secure { "443" } else { "80" }));
        self.code
            .replace("{url}", &format!("{origin}/api/v1/logs/ingest"))
            .replace("{origin}", origin)
            .replace("{host}", host)
            .replace("{port}", port)
            .replace("{tls}", if secure { "On" } else { "Off" })
            .replace("{key}", key)
    }
}

pub const RECIPES: &[Recipe] = &[
    Recipe {
        name: "curl",
        text: "One event. Any JSON object is one; an array or a line for each event sends many.",
        code: r#"curl {url} \
  -H "Authorization: Bearer {key}" \
  -H "Content-Type: application/json" \
  -d '{"level": "info", "source": "my-first-app", "message": "hello from curl", "answer": 42}'"#,
    },
    Recipe {
        name: "Log file",
        text: "A whole file of text, one event a line. Times and levels in the lines are understood.",
        code: r#"curl "{url}?source=my-app&host=$(hostname)" \
  -H "Authorization: Bearer {key}" \
  -H "Content-Type: text/plain" \
  --data-binary @app.log"#,
    },
    Recipe {
        name: "OpenTelemetry",
        text: "For any program with an OpenTelemetry SDK. A Collector takes the same address under exporters, otlphttp, logs_endpoint.",
        code: r#"export OTEL_LOGS_EXPORTER=otlp
export OTEL_EXPORTER_OTLP_PROTOCOL=http/protobuf
export OTEL_EXPORTER_OTLP_LOGS_ENDPOINT={origin}/v1/logs
export OTEL_EXPORTER_OTLP_LOGS_HEADERS="Authorization=Bearer%20{key}"
export OTEL_SERVICE_NAME=my-app"#,
    },
    Recipe {
        name: "Filebeat",
        text: "filebeat.yml. Logstash and the clients of Elasticsearch take the same address, with the key as the password.",
        code: r#"filebeat.inputs:
  - type: filestream
    id: my-app
    paths: ["/var/log/my-app/*.log"]

output.elasticsearch:
  hosts: ["{origin}"]
  username: cordwood
  password: "{key}"
  index: my-app

setup.template.enabled: false
setup.ilm.enabled: false"#,
    },
    Recipe {
        name: "Grafana Alloy",
        text: "An endpoint for loki.write. Promtail and other clients of Loki take the same address.",
        code: r#"loki.write "cordwood" {
  endpoint {
    url          = "{origin}/loki/api/v1/push"
    bearer_token = "{key}"
  }
}"#,
    },
    Recipe {
        name: "Fluent Bit",
        text: "An output for fluent-bit.conf.",
        code: r"[OUTPUT]
    Name              http
    Match             *
    Host              {host}
    Port              {port}
    tls               {tls}
    URI               /api/v1/logs/ingest
    Format            json_lines
    Json_date_key     timestamp
    Json_date_format  iso8601
    Compress          gzip
    Header            Authorization Bearer {key}",
    },
    Recipe {
        name: "Vector",
        text: "A sink for vector.yaml. Name your sources under inputs.",
        code: r#"sinks:
  cordwood:
    type: http
    inputs: ["my_source"]
    uri: {url}
    method: post
    compression: gzip
    framing:
      method: newline_delimited
    encoding:
      codec: json
    auth:
      strategy: bearer
      token: {key}"#,
    },
    Recipe {
        name: "Python",
        text: "A handler for the logging module, with nothing to install. Put it where your program starts.",
        code: r#"import json, logging, queue, socket, threading, urllib.request

class CordwoodHandler(logging.Handler):
    """Sends log records in batches from a thread of its own."""

    def __init__(self, url, key, source):
        super().__init__()
        self.url, self.key, self.source = url, key, source
        self.queue = queue.Queue()
        threading.Thread(target=self._send, daemon=True).start()

    def emit(self, record):
        self.queue.put({
            "timestamp": record.created,
            "level": record.levelname,
            "source": self.source,
            "host": socket.gethostname(),
            "message": self.format(record),
            "logger.name": record.name,
        })

    def _send(self):
        while True:
            batch = [self.queue.get()]
            while len(batch) < 500 and not self.queue.empty():
                batch.append(self.queue.get())
            request = urllib.request.Request(
                self.url, json.dumps(batch).encode(),
                {"Authorization": "Bearer " + self.key, "Content-Type": "application/json"})
            try:
                urllib.request.urlopen(request, timeout=10)
            except OSError as error:
                print("logs not sent:", error)
            for _ in batch:
                self.queue.task_done()

handler = CordwoodHandler("{url}", "{key}", "my-app")
logging.basicConfig(level=logging.INFO, handlers=[handler, logging.StreamHandler()])
logging.info("hello from Python")
handler.queue.join()"#,
    },
    Recipe {
        name: "Node.js",
        text: "Plain fetch. For pino or winston, call it from their transport.",
        code: r#"const pending = [];

export function log(level, message, fields = {}) {
  pending.push({ timestamp: new Date().toISOString(), level, source: "my-app", message, ...fields });
}

export async function flush() {
  const batch = pending.splice(0, 1000);
  if (batch.length === 0) return;
  const answer = await fetch("{url}", {
    method: "POST",
    headers: { Authorization: "Bearer {key}", "Content-Type": "application/json" },
    body: JSON.stringify(batch),
  }).catch((error) => ({ ok: false, status: error.message }));
  if (!answer.ok) {
    pending.unshift(...batch);
    console.error("logs not sent:", answer.status);
  }
}

setInterval(flush, 1000).unref();

log("info", "hello from Node.js", { answer: 42 });
await flush();"#,
    },
    Recipe {
        name: "Go",
        text: "A handler for log/slog that writes each record as JSON.",
        code: r#"package main

import (
	"bytes"
	"log/slog"
	"net/http"
)

type cordwood struct{ url, key string }

func (c cordwood) Write(line []byte) (int, error) {
	request, err := http.NewRequest("POST", c.url, bytes.NewReader(line))
	if err != nil {
		return 0, err
	}
	request.Header.Set("Authorization", "Bearer "+c.key)
	request.Header.Set("Content-Type", "application/json")
	answer, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err
	}
	return len(line), answer.Body.Close()
}

func main() {
	sink := cordwood{"{url}", "{key}"}
	logger := slog.New(slog.NewJSONHandler(sink, nil)).With("source", "my-app")
	logger.Info("hello from Go", "answer", 42)
}"#,
    },
    Recipe {
        name: "Java",
        text: "The HTTP client of the standard library, Java 17 or newer.",
        code: r#"import java.net.URI;
import java.net.http.*;

public class Hello {
    public static void main(String[] arguments) throws Exception {
        var event = """
            {"level": "info", "source": "my-app", "message": "hello from Java", "answer": 42}""";
        var request = HttpRequest.newBuilder(URI.create("{url}"))
            .header("Authorization", "Bearer {key}")
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(event))
            .build();
        var answer = HttpClient.newHttpClient().send(request, HttpResponse.BodyHandlers.ofString());
        System.out.println(answer.statusCode() + " " + answer.body());
    }
}"#,
    },
    Recipe {
        name: "Docker",
        text: "What a container prints, by Docker's own log driver for Splunk's protocol.",
        code: r#"docker run --log-driver=splunk \
  --log-opt splunk-url={origin} \
  --log-opt splunk-token={key} \
  --log-opt splunk-format=json \
  --log-opt splunk-source=my-app \
  my-image"#,
    },
    Recipe {
        name: "journald",
        text: "The last hour of the system journal, as a first look.",
        code: r#"journalctl --since "1 hour ago" --output json | curl {url} \
  -H "Authorization: Bearer {key}" \
  -H "Content-Type: application/x-ndjson" \
  --data-binary @-"#,
    },
    Recipe {
        name: "rsyslog",
        text: "Needs the package rsyslog-omhttp. Save as /etc/rsyslog.d/60-cordwood.conf.",
        code: r#"module(load="omhttp")
template(name="cordwood" type="list") {
  constant(value="{\"timestamp\":\"")   property(name="timereported" dateFormat="rfc3339")
  constant(value="\",\"level\":\"")     property(name="syslogseverity-text")
  constant(value="\",\"host\":\"")      property(name="hostname" format="json")
  constant(value="\",\"source\":\"")    property(name="programname" format="json")
  constant(value="\",\"message\":\"")   property(name="msg" format="json")
  constant(value="\"}")
}
action(type="omhttp" server="{host}" serverport="{port}" useHttps="{tls}"
       restpath="api/v1/logs/ingest" template="cordwood"
       batch="on" batch.format="newline" httpheaders=["Authorization: Bearer {key}"]
       action.resumeRetryCount="-1" queue.type="linkedList" queue.size="100000")"#,
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_placeholder_is_left_in_a_filled_recipe() {
        for recipe in RECIPES {
            let filled = recipe.fill("http://127.0.0.1:8080", "cw_secret");
            assert!(filled.contains("cw_secret"), "{}", recipe.name);
            for name in ["{url}", "{origin}", "{host}", "{port}", "{tls}", "{key}"] {
                assert!(!filled.contains(name), "{} in {}", name, recipe.name);
            }
        }
    }

    #[test]
    fn the_usual_ports_are_filled_in() {
        let fluent_bit = RECIPES.iter().find(|recipe| recipe.name == "Fluent Bit").expect("it is there");
        let filled = fluent_bit.fill("https://logs.example.com", "k");
        assert!(filled.contains("Port              443\n    tls               On"), "{filled}");
    }
}
