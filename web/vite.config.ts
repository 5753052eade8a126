import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync, constants } from 'node:zlib';
import { svelte } from '@sveltejs/vite-plugin-svelte';
import type { Plugin } from 'vite';
import { defineConfig } from 'vitest/config';

const server = process.env['TINTYPE_SERVER'] ?? 'http://127.0.0.1:8000';

/** Writes `name.br` beside every text asset: the server hands it out as it is. */
function precompressed(): Plugin {
  const text = /\.(js|css|svg)$/;
  return {
    name: 'precompressed',
    apply: 'build',
    writeBundle({ dir }, bundle) {
      for (const name of Object.keys(bundle)) {
        if (dir === undefined || !text.test(name)) continue;
        const path = join(dir, name);
        const best = { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } };
        writeFileSync(`${path}.br`, brotliCompressSync(readFileSync(path), best));
      }
    },
  };
}

export default defineConfig({
  plugins: [svelte(), precompressed()],
  build: {
    // The Python side renders the page from this manifest; there is no index.html in the build.
    manifest: true,
    rolldownOptions: { input: 'src/main.ts' },
    // light-dark(), :has() and nesting are used as they are written.
    target: ['chrome123', 'firefox121', 'safari17.5'],
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
  },
  server: { proxy: { '/v1': server, '/media': server, '/blobs': server } },
  // Vitest runs outside a browser, yet the client build of Svelte is the one under test.
  resolve: process.env['VITEST'] ? { conditions: ['browser'] } : {},
  test: { environment: 'happy-dom', include: ['tests/**/*.test.ts'] },
});
