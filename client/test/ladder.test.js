import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Ladder, TRANSPORTS } from '../dist/ladder.js'

test('what was never open is left at once, and after the last step the first is next', () => {
  const ladder = new Ladder(TRANSPORTS)
  const path = Array.from({ length: 5 }, () => [ladder.current, ladder.failed()])
  assert.deepEqual(path, [
    ['websocket', 'next'], ['sse', 'next'], ['longpoll', 'next'], ['poll', 'exhausted'], ['websocket', 'next']
  ])
})

test('what was open before is tried three times', () => {
  const ladder = new Ladder(TRANSPORTS)
  ladder.opened('websocket')
  const path = Array.from({ length: 4 }, () => [ladder.current, ladder.failed()])
  assert.deepEqual(path, [['websocket', 'again'], ['websocket', 'again'], ['websocket', 'next'], ['sse', 'next']])
})

test('an open connection gives a step its three tries back', () => {
  const ladder = new Ladder(TRANSPORTS)
  ladder.opened('websocket')
  ladder.failed()
  ladder.failed()
  ladder.opened('websocket')
  assert.equal(ladder.failed(), 'again')
})

test('two silences within a minute are one too many', () => {
  const ladder = new Ladder(TRANSPORTS)
  ladder.opened('websocket')
  assert.equal(ladder.silent(0), false)
  assert.equal(ladder.silent(60_000), false)
  assert.equal(ladder.silent(119_999), true)
  assert.equal(ladder.current, 'sse')
  assert.equal(ladder.silent(120_000), false, 'the next step has its own count')
})

test('the last step stays, however silent', () => {
  const ladder = new Ladder(['poll'])
  ladder.opened('poll')
  assert.deepEqual([ladder.silent(0), ladder.silent(1)], [false, false])
  assert.equal(ladder.current, 'poll')
})

test('higher steps are tried ever more rarely, and soon again on another network', () => {
  const ladder = new Ladder(TRANSPORTS, 'longpoll')
  assert.deepEqual(ladder.higher, ['websocket', 'sse'])
  const waits = Array.from({ length: 8 }, () => ladder.nextProbe() / 1_000)
  assert.deepEqual(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600])
  ladder.networkChanged()
  assert.equal(ladder.nextProbe(), 60_000)
  ladder.opened('websocket')
  assert.equal(ladder.nextProbe(), undefined)
})

test('it begins with what is remembered, if that is one of the steps', () => {
  assert.equal(new Ladder(TRANSPORTS, 'sse').current, 'sse')
  assert.equal(new Ladder(['sse', 'poll'], 'websocket').current, 'sse')
  assert.throws(() => new Ladder([]), /no transport/)
})
