// Builds the file for pages: Feathers, this transport and their dependencies in one script, and the licences of what is
// in it. Prints how big it is.
import { readFile, readdir, writeFile } from 'node:fs/promises'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'

const outfile = 'dist/realtime.min.js'

const { metafile } = await build({
  entryPoints: ['src/page.ts'],
  outfile,
  bundle: true,
  minify: true,
  format: 'iife',
  globalName: 'FeathersRealtime',
  target: 'es2022',
  metafile: true,
  banner: { js: '/*! With parts of other packages: see realtime.licenses.txt */' },
  logLevel: 'warning'
})

/** Returns the folders of the packages that are in the script. */
function packages() {
  const folders = Object.keys(metafile.inputs).map((path) => path.match(/^node_modules\/(?:@[^/]+\/)?[^/]+/)?.[0])
  return [...new Set(folders.filter(Boolean))].sort()
}

const licenses = []
for (const folder of packages()) {
  const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name))
  if (!file) throw new Error(`${folder} has no licence`)
  licenses.push(`${folder.replace('node_modules/', '')}\n\n${(await readFile(`${folder}/${file}`, 'utf8')).trim()}\n`)
}
await writeFile('dist/realtime.licenses.txt', licenses.join(`\n${'-'.repeat(80)}\n\n`))

const script = await readFile(outfile)
const kib = (bytes) => `${(bytes.length / 1024).toFixed(1)} KiB`
console.log(`${outfile}: ${kib(script)}, ${kib(gzipSync(script))} with gzip`)
