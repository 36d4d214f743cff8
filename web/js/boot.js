// Starts the application. What is heavy and not needed at once is imported when Rust asks for it.
import init from "cordwood-module";
import wasm from "cordwood-wasm";
import { refreshSession } from "./session.js";

globalThis.cordwood = {
  editor: () => import("./editor.js"),
  chart: () => import("./chart.js"),
  refreshSession,
};

init({ module_or_path: wasm }).then(
  () => document.getElementById("boot")?.remove(),
  (error) => {
    const boot = document.getElementById("boot");
    if (boot) boot.textContent = `Cordwood could not start: ${error}. It needs a browser with WebAssembly.`;
  },
);
