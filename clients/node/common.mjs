// What all scripts share: where to send, with which key, and the texts that have to arrive as they are.

import { readFileSync } from "node:fs";

export const url = process.env.CORDWOOD_URL;
export const key = process.env.CORDWOOD_KEY;
export const texts = JSON.parse(readFileSync(new URL("../texts.json", import.meta.url), "utf8"));
const levels = ["debug", "info", "warn", "error"];

/** Each text with its place and its level. */
export const numbered = texts.map((text, place) => ({ text, place, level: levels[place % levels.length] }));
