import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransportFallback, TRANSPORTS } from '../dist/transport-fallback.js'

test('a step that was never open is left at once, and after the last step the first is next', () => {
  const fallback = new TransportFallback(TRANSPORTS)
  const path = Array.from({ length: 5 }, () => [fallback.current, fallback.failed()])
  assert.deepEqual(path, [
    ['websocket', 'next'], ['sse', 'next'], ['longpoll', 'next'], ['poll', 'exhausted'], ['websocket', 'next']
  ])
})

test('a step that was open before is tried three times', () => {
  const fallback = new TransportFallback(TRANSPORTS)
  fallback.opened('websocket')
  const path = Array.from({ length: 4 }, () => [fallback.current, fallback.failed()])
  assert.deepEqual(path, [['websocket', 'again'], ['websocket', 'again'], ['websocket', 'next'], ['sse', 'next']])
})

test('an open connection gives a step its three tries back', () => {
  const fallback = new TransportFallback(TRANSPORTS)
  fallback.opened('websocket')
  fallback.failed()
  fallback.failed()
  fallback.opened('websocket')
  assert.equal(fallback.failed(), 'again')
})

test('two silences within a minute are one too many', () => {
  const fallback = new TransportFallback(TRANSPORTS)
  fallback.opened('websocket')
  assert.equal(fallback.silent(0), false)
  assert.equal(fallback.silent(60_000), false)
  assert.equal(fallback.silent(119_999), true)
  assert.equal(fallback.current, 'sse')
  assert.equal(fallback.silent(120_000), false, 'the next step has its own count')
})

test('the last step stays, however silent', () => {
  const fallback = new TransportFallback(['poll'])
  fallback.opened('poll')
  assert.deepEqual([fallback.silent(0), fallback.silent(1)], [false, false])
  assert.equal(fallback.current, 'poll')
})

test('higher steps are tried ever more rarely, and soon again on another network', () => {
  const fallback = new TransportFallback(TRANSPORTS, 'longpoll')
  assert.deepEqual(fallback.higher, ['websocket', 'sse'])
  const waits = Array.from({ length: 8 }, () => fallback.nextProbe() / 1_000)
  assert.deepEqual(waits, [60, 120, 240, 480, 960, 1920, 3600, 3600])
  fallback.networkChanged()
  assert.equal(fallback.nextProbe(), 60_000)
  fallback.opened('websocket')
  assert.equal(fallback.nextProbe(), undefined)
})

test('it begins with what is remembered, if that is one of the steps', () => {
  assert.equal(new TransportFallback(TRANSPORTS, 'sse').current, 'sse')
  assert.equal(new TransportFallback(['sse', 'poll'], 'websocket').current, 'sse')
  assert.throws(() => new TransportFallback([]), /no transport/)
})
