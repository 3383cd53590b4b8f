// The scripts that the examples keep a copy of, so that their pages need no Node, are those of the packages.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'

const SOURCES = [
  'client/dist/realtime.min.js',
  'client/dist/realtime.licenses.txt',
  'tests/js/node_modules/@feathersjs/client/dist/feathers.min.js'
]
const COPIES = ['todo', 'chat', 'helpdesk'].flatMap((example) => SOURCES.map((source) => {
  return [source, `examples/${example}/public/${source.split('/').at(-1)}`]
}))

const BUNDLES = ['min.js', 'esm.min.js', 'msgpack.min.js'].flatMap((end) => [`socket.io.${end}`, `socket.io.${end}.map`])

describe('copies of scripts', () => {
  for (const name of BUNDLES) {
    it(`the server has ${name} of socket.io-client`, () => {
      const read = (path) => readFileSync(new URL(`../../../${path}`, import.meta.url))
      const expected = read(`tests/js/node_modules/socket.io-client/dist/${name}`)
      const copy = 'feathers-transports/assets/' + name
      const found = name.endsWith('.map') ? gunzipSync(read(`${copy}.gz`)) : read(copy)
      assert.ok(expected.equals(found), `it is old: ${copy}`)
    })
  }


  for (const [source, copy] of COPIES) {
    it(`${copy} is ${source}`, () => {
      const [expected, found] = [source, copy].map((path) => readFileSync(new URL(`../../../${path}`, import.meta.url)))
      assert.ok(expected.equals(found), `it is old: cp ${source} ${copy}`)
    })
  }
})
