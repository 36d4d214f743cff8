// Starts the application. What is heavy and not needed at once is imported when Rust asks for it.
//
// The same file is a worker's program too: there the application finds no page, and answers about a local file instead.
import init from "cordwood-module";
import wasm from "cordwood-wasm";
import { refreshSession } from "./session.js";
import { zoneNames, zoneOffset } from "./zones.js";

globalThis.cordwood = {
  editor: () => import("./editor.js"),
  chart: () => import("./chart.js"),
  worker: () => new Worker(import.meta.url, { type: "module" }),
  download: (...request) => import("./download.js").then((module) => module.download(...request)),
  refreshSession,
  zoneNames,
  zoneOffset,
  setZone: (name) => (globalThis.cordwood.zone = name),
};

const page = globalThis.document;

init({ module_or_path: wasm }).catch((error) => {
  const boot = page?.getElementById("boot");
  if (boot) boot.textContent = `Cordwood could not start: ${error}. It needs a browser with WebAssembly.`;
});
