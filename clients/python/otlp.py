"""OpenTelemetry's SDK for Python, over gRPC (`grpc`), or over HTTP (`http`) with the environment as docs/sending-logs.md has it."""

import os
import sys
import time

from opentelemetry._logs import LogRecord, SeverityNumber
from opentelemetry.sdk._logs import LoggerProvider
from opentelemetry.sdk._logs.export import BatchLogRecordProcessor
from opentelemetry.sdk.resources import Resource

from common import KEY, URL, numbered

if sys.argv[1] == "grpc":
    from opentelemetry.exporter.otlp.proto.grpc._log_exporter import OTLPLogExporter

    headers = (("authorization", "Bearer " + KEY),)
    exporter = OTLPLogExporter(endpoint=os.environ["CORDWOOD_GRPC"], insecure=True, headers=headers)
else:
    from opentelemetry.exporter.otlp.proto.http import Compression
    from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter

    os.environ["OTEL_EXPORTER_OTLP_LOGS_ENDPOINT"] = URL + "/v1/logs"
    os.environ["OTEL_EXPORTER_OTLP_LOGS_HEADERS"] = "Authorization=Bearer%20" + KEY
    exporter = OTLPLogExporter(compression=Compression.Gzip)

resource = Resource.create({"service.name": "otlp-python-" + sys.argv[1], "host.name": "client-host"})
provider = LoggerProvider(resource=resource)
provider.add_log_record_processor(BatchLogRecordProcessor(exporter))
logger = provider.get_logger("cordwood.clients", "1.0")
numbers = {
    "debug": SeverityNumber.DEBUG,
    "info": SeverityNumber.INFO,
    "warning": SeverityNumber.WARN,
    "error": SeverityNumber.ERROR,
}
for place, level, text in numbered():
    logger.emit(
        LogRecord(
            timestamp=time.time_ns(),
            severity_number=numbers[level],
            severity_text=level.upper(),
            body=text,
            attributes={"place": place, "nested.ratio": 0.5, "nested.flag": True},
        )
    )
assert provider.force_flush()
provider.shutdown()
