import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import * as closeCode from '../dist/close-code.js'

test('the close codes are those of the server', () => {
  const source = readFileSync(new URL('../../feathers-transports/src/kit/close_code.rs', import.meta.url), 'utf8')
  const constants = [...source.matchAll(/pub const (\w+): u16 = (\d+);/g)]
  const ofServer = Object.fromEntries(constants.map(([, name, code]) => [name, Number(code)]))
  assert.equal(ofServer.NORMAL, 1000)
  assert.deepEqual({ ...closeCode }, ofServer)
})
