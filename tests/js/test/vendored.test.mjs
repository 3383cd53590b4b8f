// The scripts that the examples keep a copy of, so that their pages need no Node, are those of the packages.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'

const SOURCES = [
  'client/dist/realtime.min.js',
  'client/dist/realtime.licenses.txt',
  'tests/js/node_modules/@feathersjs/client/dist/feathers.min.js'
]
const COPIES = ['todo', 'chat'].flatMap((example) => SOURCES.map((source) => {
  return [source, `examples/${example}/public/${source.split('/').at(-1)}`]
}))

describe('copies of scripts', () => {
  for (const [source, copy] of COPIES) {
    it(`${copy} is ${source}`, () => {
      const [expected, found] = [source, copy].map((path) => readFileSync(new URL(`../../../${path}`, import.meta.url)))
      assert.ok(expected.equals(found), `it is old: cp ${source} ${copy}`)
    })
  }
})
