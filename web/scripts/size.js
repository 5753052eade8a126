// Gates the bytes a browser needs before the first feed: everything the entry pulls in statically,
// compressed the way it is served. Exits 1 when a budget is broken.
import { readFileSync } from 'node:fs';
import { brotliCompressSync } from 'node:zlib';

const ENTRY = 'src/main.ts';
const BUDGET = { js: 70 * 1024, css: 14 * 1024 };
const dist = new URL('../dist/', import.meta.url);
const manifest = JSON.parse(readFileSync(new URL('.vite/manifest.json', dist), 'utf8'));

const js = new Set();
const css = new Set();

function collect(key) {
  const chunk = manifest[key];
  if (chunk === undefined || js.has(chunk.file)) return;
  js.add(chunk.file);
  for (const sheet of chunk.css ?? []) css.add(sheet);
  for (const dependency of chunk.imports ?? []) collect(dependency);
}

function compressed(files) {
  let total = 0;
  for (const file of files) total += brotliCompressSync(readFileSync(new URL(file, dist))).length;
  return total;
}

collect(ENTRY);
let broken = false;
for (const [kind, files] of Object.entries({ js, css })) {
  const bytes = compressed(files);
  const over = bytes > BUDGET[kind];
  broken ||= over;
  const verdict = over ? 'OVER' : 'ok';
  console.log(
    `feed entry ${kind}: ${(bytes / 1024).toFixed(1)} KB brotli in ${files.size} file(s), ` +
      `budget ${BUDGET[kind] / 1024} KB: ${verdict}`,
  );
}
process.exit(broken ? 1 : 0);
