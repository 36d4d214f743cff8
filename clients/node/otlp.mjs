// OpenTelemetry's SDK for JavaScript: JSON (`json`) or protobuf (`proto`) over HTTP.

import { SeverityNumber } from "@opentelemetry/api-logs";
import { OTLPLogExporter as JsonExporter } from "@opentelemetry/exporter-logs-otlp-http";
import { OTLPLogExporter as ProtobufExporter } from "@opentelemetry/exporter-logs-otlp-proto";
import { resourceFromAttributes } from "@opentelemetry/resources";
import { BatchLogRecordProcessor, LoggerProvider } from "@opentelemetry/sdk-logs";
import { key, numbered, url } from "./common.mjs";

const form = process.argv[2];
const Exporter = form === "json" ? JsonExporter : ProtobufExporter;
const exporter = new Exporter({ url: `${url}/v1/logs`, headers: { Authorization: `Bearer ${key}` } });
const provider = new LoggerProvider({
  resource: resourceFromAttributes({ "service.name": `otlp-node-${form}`, "host.name": "client-host" }),
  processors: [new BatchLogRecordProcessor({ exporter })],
});
const logger = provider.getLogger("cordwood.clients", "1.0");
for (const { text, place, level } of numbered) {
  logger.emit({
    severityNumber: SeverityNumber[level.toUpperCase()],
    severityText: level.toUpperCase(),
    body: text,
    attributes: { place, "nested.ratio": 0.5, "nested.flag": true },
  });
}
await provider.forceFlush();
await provider.shutdown();
