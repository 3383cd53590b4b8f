import assert from 'node:assert/strict'
import { test } from 'node:test'
import { IdleTimeout } from '../dist/idle-timeout.js'

function after(...cuts) {
  const idle = new IdleTimeout()
  for (const quiet of cuts) idle.cut(quiet)
  return idle
}

test('two cuts alike are a limit, and half of it is safe', () => {
  assert.equal(after(10_100).keepAlive, undefined)
  assert.equal(after(10_100, 10_000).keepAlive, 5_000)
})

test('cuts that differ, and cuts of connections that were not quiet, are chance', () => {
  assert.equal(after(10_000, 30_000).keepAlive, undefined)
  assert.equal(after(100, 100).keepAlive, undefined)
  assert.equal(after(10_000, 30_000, 30_100).keepAlive, 15_000)
})

test('on another network it is forgotten', () => {
  const idle = after(10_000, 10_000)
  idle.forget()
  idle.cut(10_000)
  assert.equal(idle.keepAlive, undefined)
})
