// Builds the file for pages: Feathers, this transport and their dependencies in one script. Prints how big it is.
import { readFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const outfile = 'dist/realtime.min.js'

await build({
  entryPoints: ['src/page.ts'],
  outfile,
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'FeathersRealtime',
  target: 'es2022',
  legalComments: 'inline',
  logLevel: 'warning'
})

const script = await readFile(outfile)
const kib = (bytes) => `${(bytes.length / 1024).toFixed(1)} KiB`
console.log(`${outfile}: ${kib(script)}, ${kib(gzipSync(script))} with gzip`)
