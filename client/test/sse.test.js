import assert from 'node:assert/strict'
import { test } from 'node:test'
import { block, busy, client } from './lib/client.js'
import { settled } from './lib/clock.js'

const only = (options) => client({ transports: ['sse'], ...options })

test('a stream comes back with its cursor, after about the time that the server asks for', async () => {
  const { clock, events, asked, last, openStream } = only()
  const stream = await openStream()
  assert.deepEqual(asked('sse')[0].query, { transport: 'sse' })
  stream.write('retry: 4000\n\n' + block(1) + block(2) + 'event: hb\nid: e-7\ndata:{}\n\n')
  await settled()
  stream.cut()
  await settled()
  assert.deepEqual([last('disconnect').reason, last('reconnecting').delay], ['lost', 2_000])
  await clock.pass(2_000)
  assert.deepEqual(asked('sse')[1].query, { transport: 'sse', since: 'e-7' })
  const again = await openStream({ recovered: true, cursor: 'e-7' })
  again.write(block(7) + block(8))
  await settled()
  assert.deepEqual([events, last('connect').recovered], [[1, 2, 8], true])
})

test('half an event is none', async () => {
  const { clock, realtime, events, asked, openStream } = only()
  const stream = await openStream()
  stream.write(block(1) + block(2).slice(0, -1))
  stream.end()
  await clock.pass(1_000)
  assert.deepEqual([events, realtime.cursor, asked('sse')[1].query.since], [[1], 'e-1', 'e-1'])
})

test('a reset follows the hello, whose cursor is not taken', async () => {
  const { realtime, last, openStream } = only({ since: 'old-9' })
  const stream = await openStream({ cursor: 'e-3' })
  assert.equal(realtime.cursor, 'old-9')
  const reset = { reason: 'epoch', cursor: 'e-3' }
  stream.write(`event: reset\nid: e-3\ndata: ${JSON.stringify({ path: 'realtime', event: 'reset', data: reset })}\n\n`)
  await settled()
  assert.deepEqual([last('reset'), realtime.cursor], [reset, 'e-3'])
})

test('after an answer that is no stream, or a stream that is held back, the next transport is used', async () => {
  for (const answer of [(request) => request.answer(200, {}), (request) => request.answer(404, {}), () => {}]) {
    const { clock, asked } = client({ transports: ['sse', 'poll'] })
    await settled()
    answer(asked('sse')[0])
    await clock.pass(4_000)
    assert.equal(asked('poll').length, 1)
  }
})

test('on a network that cuts quiet streams the next transport is used', async () => {
  const { clock, asked, openStream } = client({ transports: ['sse', 'longpoll'] })
  for (const _ of [1, 2, 3]) {
    const stream = await openStream({ recovered: true })
    await clock.pass(10_000)
    stream.cut()
    await settled()
    await clock.pass(4_000)
  }
  assert.equal(asked('sse').length, 3)
  assert.equal(asked('poll').length, 1)
})

test('a server that cuts its streams off is no network that cuts quiet ones', async () => {
  const { clock, asked, openStream } = client({ transports: ['sse', 'longpoll'] })
  for (const _ of [1, 2, 3]) {
    const stream = await openStream({ recovered: true })
    await clock.pass(10_000)
    stream.write(': bye\n')
    await settled()
    stream.cut()
    await settled()
    await clock.pass(4_000)
  }
  assert.deepEqual([asked('sse').length, asked('longpoll').length, asked('poll').length], [4, 0, 0])
})

test('a server without room says when to come again, and is asked then', async () => {
  const { clock, asked, last } = client({ transports: ['sse', 'poll'] })
  await settled()
  const stream = asked('sse')[0].stream()
  stream.write(busy(5_000))
  await settled()
  assert.equal(last('reconnecting').delay, 5_000)
  await clock.pass(4_999)
  assert.deepEqual([asked('sse').length, asked('poll').length], [1, 0])
  await clock.pass(1)
  assert.deepEqual([asked('sse').length, asked('poll').length], [2, 0])
})

test('204 says that the server does not want this client back', async () => {
  const { realtime, clock, asked } = only()
  await settled()
  asked('sse')[0].answer(204)
  await clock.pass(100_000)
  assert.deepEqual([realtime.state, asked('sse').length], ['closed', 1])
})
