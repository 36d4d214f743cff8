// Weighs the search language as WebAssembly and times it: node bench/browser/measure.mjs <module>.
// V8 compiles and runs it here as it does in Chromium.
import { readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';
import { performance } from 'node:perf_hooks';

const QUERIES = [
  'source:api http.status>=500 (timeout OR "connection reset") -http.route:"/healthz" duration_ms>1.5s user.id:* | stats count() as n, p95(duration_ms) as slow by bin(5m), http.route | where n > 10 | sort -slow | limit 20',
  'level>=warn -source:(auth OR billing) message:"pool timeout" trace_id:* | parse "order <order:number> failed: <reason>" | eval late = duration_ms > 2500 and exists(order) | stats count() by reason, late | sort -count',
  'k8s.namespace in (shop, search, payments) host:web-* "back-off restarting" NOT cidr(client.ip, 10.0.0.0/8, 192.168.0.0/16) | timechart count() by k8s.pod every=10m limit=5 | window movavg(count, 6) as mean by k8s.pod',
];
const bytes = readFileSync(process.argv[2]);
const { instance } = await WebAssembly.instantiate(bytes, {});
const language = instance.exports;
const write = (text) => {
  const encoded = new TextEncoder().encode(text);
  const place = language.place(encoded.length); // may grow the memory, whose buffer is another one then
  new Uint8Array(language.memory.buffer, place, encoded.length).set(encoded);
};
const times = (run) => {
  const all = [];
  for (let index = 0; index < 2200; index += 1) {
    const started = performance.now();
    run();
    all.push(performance.now() - started);
  }
  const first = all[0];
  const warm = all.slice(200).sort((a, b) => a - b);
  return { first, p50: warm[1000], p99: warm[1980], max: warm[1999] };
};
const ms = (number) => number.toFixed(3);

console.log(`size: ${bytes.length} bytes, ${brotliCompressSync(bytes).length} brotli`);
console.log('| characters | | first ms | p50 ms | p99 ms | max ms |\n|---|---|---|---|---|---|');
for (const query of QUERIES) {
  write(query);
  for (const [name, run] of [['parse and check', language.parse_and_check], ['colours', language.colour]]) {
    const found = times(() => {
      if (run() < 0) throw new Error(`not a query: ${query}`);
    });
    console.log(`| ${query.length} | ${name} | ${ms(found.first)} | ${ms(found.p50)} | ${ms(found.p99)} | ${ms(found.max)} |`);
  }
}
language.all_the_rest();
