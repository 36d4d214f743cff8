// How smoothly the rows of Explore scroll with 100,000 of them loaded: `node bench/scroll.mjs [rows]`.
//
// Builds nothing: the web application, the server and `cordwood` have to be there (see e2e/harness.mjs for where they are looked for).

import { spawnSync } from "node:child_process";
import path from "node:path";
import { App, browser, eventually, logIn, page, programs } from "../e2e/harness.mjs";

const wanted = Number(process.argv[2] ?? 100_000);
const seconds = 8;

const app = await App.start();
const chromium = await browser();
try {
  const account = await app.account("ada");
  const made = spawnSync(
    path.join(programs, "cordwood"),
    ["generate", "--server", app.url, "--key", account.key, "--start", "10h", "--rate", String(Math.ceil(wanted / 34_000)), "--count", String(wanted)],
    { encoding: "utf8" },
  );
  if (made.status !== 0) throw new Error(`generate failed: ${made.stderr}`);
  await eventually("all events are found", async () => {
    const found = await app.search(account.token, "* | stats count() as n", { from: "now-1d", to: "now+1h" });
    return found.rows[0].n === wanted;
  });
  const at = await page(chromium);
  await logIn(at, app, account);
  await at.goto(`${app.url}/explore?from=now-12h&to=now`);
  const list = at.getByTestId("rows");
  const loaded = async () => Number(await at.locator("#rows").getAttribute("aria-rowcount"));
  await eventually("all rows are loaded", async () => {
    await list.evaluate((element) => element.scrollTo(0, element.scrollHeight));
    return (await loaded()) === wanted;
  }, 300_000);
  for (const [name, step] of [["reading speed, 40 px a frame", 40], ["flinging, 1,500 px a frame", 1500]]) {
    const result = await list.evaluate((element, { step, seconds }) => new Promise((resolve) => {
      element.scrollTo(0, element.scrollHeight / 3);
      const times = [];
      let blank = 0;
      let direction = 1;
      const frame = (now) => {
        times.push(now);
        if (element.scrollTop + element.clientHeight >= element.scrollHeight - 10) direction = -1;
        if (element.scrollTop <= 10) direction = 1;
        element.scrollTop += step * direction;
        // Whether a row was drawn in the middle of the list when the frame before was painted.
        const box = element.getBoundingClientRect();
        if (!document.elementFromPoint(box.left + 40, box.top + box.height / 2)?.closest(".line")) blank += 1;
        if (now - times[0] < seconds * 1000) return requestAnimationFrame(frame);
        const gaps = times.slice(1).map((time, index) => time - times[index]).sort((a, b) => a - b);
        resolve({ fps: (times.length - 1) / ((times.at(-1) - times[0]) / 1000), p95: gaps[Math.floor(gaps.length * 0.95)], blank });
      };
      requestAnimationFrame(frame);
    }), { step, seconds });
    console.log(`${(await loaded()).toLocaleString("en")} rows, ${name}: ${result.fps.toFixed(1)} frames/s, 95 % of frames within ${result.p95.toFixed(1)} ms, ${result.blank} frames without a row in the middle`);
  }
} finally {
  await chromium.close();
  await app.stop();
}
