import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client } from './lib/client.js'
import { settled } from './lib/clock.js'

const item = (number) => ({ id: `e-${number}`, path: 'todos', event: 'created', data: number })

async function poller(transport, options) {
  const made = client({ transports: [transport], ...options })
  await settled()
  made.asked('poll')[0].answer(200, { events: [], cursor: 'e-1', connectionToken: 'p', more: false, retryAfterMs: 3_000 })
  await settled()
  return { ...made, polls: () => made.asked('poll') }
}

test('the first poll does not wait, and the next ones do', async () => {
  const { polls, events, realtime } = await poller('longpoll')
  assert.equal(realtime.state, 'connected')
  assert.deepEqual(polls().map(({ query }) => query), [
    { transport: 'poll', wait: '0' },
    { transport: 'poll', since: 'e-1', wait: '25' }
  ])
  assert.deepEqual(polls().map(({ headers }) => headers['X-Connection-Token']), [undefined, 'p'])
  polls()[1].answer(200, { events: [item(2), item(3)], cursor: 'e-5', connectionToken: 'p' })
  await settled()
  assert.deepEqual([events, polls()[2].query.since, realtime.cursor], [[2, 3], 'e-5', 'e-5'])
})

test('an answer that is lost is asked for again, and events are not emitted twice', async () => {
  const { polls, events, realtime, clock, names } = await poller('longpoll')
  names()
  polls()[1].fail()
  await clock.pass(125)
  assert.equal(polls()[2].query.since, 'e-1')
  polls()[2].answer(200, { events: [item(2)], cursor: 'e-2', connectionToken: 'p' })
  await settled()
  assert.deepEqual([events, realtime.state, names()], [[2], 'connected', []])
})

test('after some failures in a row the connection is lost', async () => {
  const { polls, clock, names, realtime } = await poller('longpoll')
  names()
  for (const number of [1, 2, 3, 4]) {
    polls()[number].fail()
    await clock.pass(number === 4 ? 0 : 125 * 2 ** (number - 1))
  }
  assert.deepEqual([realtime.state, names()], ['reconnecting', ['disconnect', 'reconnecting']])
})

test('a poll that is not answered in time is silence', async () => {
  const { clock, last, polls } = await poller('longpoll', { grace: 1_000 })
  await clock.pass(26_000)
  assert.deepEqual([last('disconnect').reason, polls()[1].signal.aborted], ['silent', true])
})

test('short polls come at the interval of the server, with a validator', async () => {
  const { polls, clock, events, realtime } = await poller('poll')
  await clock.pass(2_999)
  assert.equal(polls().length, 1)
  await clock.pass(1)
  assert.deepEqual([polls()[1].query.wait, polls()[1].headers['If-None-Match']], ['0', '"e-1"'])
  polls()[1].answer(304)
  await clock.pass(3_000)
  polls()[2].answer(200, { events: [item(2)], cursor: 'e-2', connectionToken: 'p', more: true, retryAfterMs: 1_000 })
  await settled()
  assert.equal(polls()[3].query.since, 'e-2', 'at once, since there is more')
  polls()[3].answer(200, { events: [item(3)], cursor: 'e-3', connectionToken: 'p', more: false, retryAfterMs: 1_000 })
  await clock.pass(1_000)
  assert.deepEqual([events, polls()[4].query.since, realtime.state], [[2, 3], 'e-3', 'connected'])
})

test('a reset comes before the events that follow it', async () => {
  const { polls, events, last } = await poller('longpoll')
  polls()[1].answer(200, { events: [item(10)], cursor: 'e-10', connectionToken: 'p', reset: { reason: 'trimmed', cursor: 'e-9' } })
  await settled()
  assert.deepEqual([last('reset'), events], [{ reason: 'trimmed', cursor: 'e-9' }, [10]])
})

test('it comes back with its cursor', async () => {
  const { polls, clock, events, last } = await poller('longpoll')
  for (const number of [1, 2, 3, 4]) {
    polls()[number].fail()
    await clock.pass(1_000)
  }
  assert.deepEqual(polls()[5].query, { transport: 'poll', since: 'e-1', wait: '0' })
  polls()[5].answer(200, { events: [item(1), item(2)], cursor: 'e-2', connectionToken: 'q' })
  await settled()
  assert.deepEqual([events, last('connect').recovered], [[2], true])
})

test('at the end a request ends the session', async () => {
  const { realtime, requests } = await poller('longpoll')
  realtime.close()
  await settled()
  const { method, query, headers } = requests.at(-1)
  assert.deepEqual([method, query, headers['X-Connection-Token']], ['DELETE', {}, 'p'])
})

test('a new session of the server is a new connection, before its events', async () => {
  const { polls, events, names, realtime } = await poller('longpoll')
  const heard = []
  realtime.on('connect', (info) => heard.push({ ...info, before: [...events] }))
  names()
  polls()[1].answer(200, { events: [item(2)], cursor: 'e-2', connectionToken: 'q' })
  await settled()
  assert.deepEqual([names(), events, polls()[2].headers['X-Connection-Token']], [['connect'], [2], 'q'])
  polls()[2].answer(200, { events: [], cursor: 'e-9', connectionToken: 'r', reset: { reason: 'trimmed', cursor: 'e-9' } })
  await settled()
  assert.deepEqual(names(), ['connect', 'reset'])
  const connect = { transport: 'longpoll' }
  assert.deepEqual(heard, [{ ...connect, recovered: true, before: [] }, { ...connect, recovered: false, before: [2] }])
})
