// Every component is drawn, in light and dark, wide and narrow; pictures of them are kept in target/e2e.

import assert from "node:assert/strict";
import { mkdir, writeFile } from "node:fs/promises";
import path from "node:path";
import { after, before, test } from "node:test";
import { App, browser, page, root } from "./harness.mjs";

const folder = path.join(root, "target/e2e");
let app, chromium;

before(async () => {
  app = await App.start();
  chromium = await browser();
  await mkdir(folder, { recursive: true });
});

after(async () => {
  await chromium?.close();
  await app?.stop();
});

/** Sections without anything in them, and things that stick out of their section. */
const faults = (at) =>
  at.evaluate(() => {
    const found = [];
    for (const section of document.querySelectorAll(".components section")) {
      const name = section.getAttribute("aria-label");
      const body = section.querySelector(".card-body");
      if (!body || body.getBoundingClientRect().height < 20) found.push(`${name} is empty`);
      if (section.getBoundingClientRect().right > document.documentElement.clientWidth) found.push(`${name} is too wide`);
    }
    return found;
  });

for (const theme of ["light", "dark"]) {
  for (const width of [1280, 390]) {
    test(`${theme}, ${width} px: every component is drawn`, async () => {
      const at = await page(chromium, { theme, width });
      await at.goto(`${app.url}/dev/components`);
      await at.getByRole("heading", { level: 1, name: "Components" }).waitFor();
      assert.ok((await at.locator(".components section").count()) >= 7);
      assert.deepEqual(await faults(at), []);
      assert.deepEqual(at.errors, []);
      await writeFile(path.join(folder, `components-${theme}-${width}.png`), await at.screenshot({ fullPage: true }));
      await at.context().close();
    });
  }
}
