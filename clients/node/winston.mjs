// winston with its own HTTP transport.

import winston from "winston";
import { key, numbered, url } from "./common.mjs";

const { hostname, port } = new URL(url);
const transport = new winston.transports.Http({
  host: hostname,
  port: Number(port),
  path: "/api/v1/logs/ingest",
  headers: { Authorization: `Bearer ${key}` },
  batch: true,
  batchInterval: 200,
});
const logger = winston.createLogger({
  level: "debug",
  defaultMeta: { service: "winston" },
  format: winston.format.combine(winston.format.timestamp(), winston.format.json()),
  transports: [transport],
});
// It warns of every status but 200; 202 says that the logs are on disk.
transport.on("warn", (error) => {
  if (!error.message.endsWith("202")) throw error;
});
for (const { text, place, level } of numbered) {
  logger.log({ level, message: text, place, nested: { ratio: 0.5, flag: true } });
}
// The transport sends by a timer and tells nothing.
await new Promise((resolve) => setTimeout(resolve, 1000));
logger.end();
