import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Disconnected } from '../dist/index.js'
import { block, busy, client } from './lib/client.js'
import { settled } from './lib/clock.js'

test('it is open when the hello is answered, not before', async () => {
  const { realtime, sockets, names } = client()
  assert.equal(realtime.state, 'connecting')
  const [socket] = sockets
  assert.equal(socket.url, 'ws://server/realtime')
  assert.equal(socket.protocol, 'feathers.v1')
  socket.open()
  assert.deepEqual(socket.sent, [{ jsonrpc: '2.0', id: 1, method: '$hello', params: {} }])
  assert.deepEqual([realtime.state, names()], ['connecting', []])
  socket.receive({ id: 1, result: { connectionToken: 'c', recovered: false, cursor: 'e-4', ping: 20_000 } })
  assert.deepEqual([realtime.state, realtime.transport, realtime.cursor], ['connected', 'websocket', 'e-4'])
  assert.deepEqual(names(), ['transport', 'connect'])
})

test('events right behind the hello are not lost', () => {
  const { sockets, events } = client()
  sockets[0].welcome()
  for (const number of [1, 2, 3]) sockets[0].event(number)
  assert.deepEqual(events, [1, 2, 3])
})

test('it comes back with its cursor, and what it had is not emitted again', async () => {
  const { realtime, sockets, events, clock, names, last } = client()
  sockets[0].welcome()
  sockets[0].event(1)
  sockets[0].event(2)
  sockets[0].receive({ method: '$ping', params: { cursor: 'e-7' } })
  assert.deepEqual(sockets[0].sent.at(-1), { jsonrpc: '2.0', method: '$pong' })
  names()
  sockets[0].end()
  assert.deepEqual([realtime.state, names()], ['reconnecting', ['disconnect', 'reconnecting']])
  await clock.pass(500)
  sockets[1].open()
  assert.deepEqual(sockets[1].sent[0].params, { since: 'e-7' })
  sockets[1].receive({ id: 1, result: { connectionToken: 'd', recovered: true, cursor: 'e-7', ping: 20_000 } })
  for (const number of [6, 7, 8, 8, 9]) sockets[1].event(number)
  assert.deepEqual(events, [1, 2, 8, 9])
  assert.deepEqual(last('connect'), { transport: 'websocket', recovered: true })
})

test('a reset says why, and events go on from there', () => {
  const { sockets, events, last } = client({ since: 'old-9' })
  const reset = { reason: 'epoch', cursor: 'e-3' }
  sockets[0].welcome({ cursor: 'e-3', reset })
  assert.deepEqual(sockets[0].sent[0].params, { since: 'old-9' })
  assert.deepEqual(last('reset'), reset)
  sockets[0].event(3)
  sockets[0].event(4)
  sockets[0].receive({ method: '$reset', params: { reason: 'lagged', cursor: 'e-9' } })
  assert.deepEqual(last('reset').reason, 'lagged')
  sockets[0].event(9)
  sockets[0].event(10)
  assert.deepEqual(events, [4, 10])
})

test('an event of an unknown log is a reset too', () => {
  const { sockets, events, last } = client()
  sockets[0].welcome({ cursor: 'e-5' })
  sockets[0].receive({ method: '$event', params: { path: 'todos', event: 'created', data: 1, cursor: 'f-1' } })
  assert.deepEqual([events, last('reset')], [[1], { reason: 'epoch', cursor: 'f-1' }])
})

test('a transport that does not open in time is left, down to the last one', async () => {
  const { realtime, sockets, requests, clock, asked, names, last } = client()
  sockets[0].open()
  await clock.pass(3_999)
  assert.equal(asked('sse').length, 0)
  await clock.pass(1)
  assert.equal(sockets[0].readyState, 3)
  asked('sse')[0].stream()
  await clock.pass(4_000)
  assert.deepEqual(asked('poll').map(({ query }) => query.wait), ['0'])
  asked('poll')[0].fail()
  await settled()
  asked('poll')[1].fail()
  await settled()
  assert.deepEqual([realtime.state, names()], ['reconnecting', ['error', 'reconnecting']])
  await clock.pass(500)
  assert.equal(sockets.length, 2, 'and then from the first again')
  assert.equal(last('connect'), undefined)
  assert.equal(requests.length, 3)
})

test('calls are answered by their id, in any order, and errors are those of Feathers', async () => {
  const { app, sockets } = client()
  const todos = app.service('todos')
  const [early, found, failed] = [todos.get(1), todos.find({ query: { a: 1 } }), todos.patch(null, { b: 2 })]
  sockets[0].welcome()
  await settled()
  const calls = sockets[0].sent.slice(1)
  assert.deepEqual(calls.map(({ method, params }) => [method, params]), [
    ['get', { path: 'todos', id: 1, query: {} }],
    ['find', { path: 'todos', query: { a: 1 } }],
    ['patch', { path: 'todos', id: null, data: { b: 2 }, query: {} }]
  ])
  const error = { name: 'NotFound', message: 'no', code: 404, className: 'not-found', data: { x: 1 }, errors: {} }
  sockets[0].receive({ id: calls[2].id, error: { code: 404, message: 'no', data: error } })
  sockets[0].receive({ id: calls[1].id, result: [1] })
  sockets[0].receive({ id: calls[0].id, result: null })
  assert.deepEqual([await early, await found], [null, [1]])
  await assert.rejects(failed, { name: 'NotFound', code: 404, className: 'not-found', data: { x: 1 } })
})

test('a call without an id where one is needed is not sent', async () => {
  const { app, sockets } = client()
  sockets[0].welcome()
  const todos = app.service('todos')
  for (const call of [todos.get(), todos.update(undefined, {}), todos.patch('', {}), todos.remove()]) {
    await assert.rejects(call, { name: 'BadRequest' })
  }
  assert.equal(sockets[0].sent.length, 1)
})

test('a call under way is rejected when the connection is lost, and may have been executed', async () => {
  const { app, sockets } = client()
  sockets[0].welcome()
  const call = app.service('todos').create({})
  await settled()
  sockets[0].end()
  const error = await call.catch((error) => error)
  assert.ok(error instanceof Disconnected)
  assert.equal(error.maybeExecuted, true)
})

test('while the connection is lost calls are rejected, or wait if they may', async () => {
  for (const [queue, waiting] of [[0, 0], [1, 1]]) {
    const { app, sockets, clock } = client({ queue })
    sockets[0].welcome()
    sockets[0].end()
    const calls = ['a', 'b'].map((text) => app.service('todos').create({ text }).catch((error) => error))
    await clock.pass(500)
    sockets[1].welcome()
    await settled()
    assert.equal(sockets[1].sent.length, 1 + waiting)
    const error = await calls[1]
    assert.deepEqual([error.name, error.maybeExecuted], ['Disconnected', false])
  }
})

test('a call that is too large for a frame goes by HTTP, as the same connection', async () => {
  const { app, sockets, requests } = client()
  sockets[0].welcome({ maxFrame: 300 })
  const call = app.service('todos').create({ text: 'é'.repeat(150) })
  await settled()
  const [request] = requests
  assert.deepEqual([request.method, request.path, request.headers['X-Connection-Token']], ['POST', '/todos', 'c'])
  request.answer(201, { id: 1 })
  assert.deepEqual(await call, { id: 1 })
})

test('silence is the end of a connection, and twice in a minute of the transport', async () => {
  const { sockets, clock, asked, last } = client({ grace: 1_000 })
  for (const number of [0, 1]) {
    sockets[number].welcome({ ping: 20_000 })
    await clock.pass(20_000)
    sockets[number].receive({ method: '$ping', params: { cursor: 'e-0' } })
    await clock.pass(20_999)
    assert.equal(sockets[number].readyState, 1)
    await clock.pass(1)
    assert.deepEqual([sockets[number].readyState, last('disconnect').reason], [3, 'silent'])
    assert.equal(asked('sse').length, 0)
    await clock.pass(1_000)
  }
  assert.equal(asked('sse').length, 1)
})

test('the close code says when to come back, or not to', async () => {
  const reactions = {
    1001: ['disconnect', 'reconnecting'], 4201: ['disconnect', 'reconnecting'], 4408: ['disconnect', 'reconnecting'],
    1009: ['disconnect', 'error'], 4401: ['disconnect', 'error'], 4403: ['disconnect', 'error']
  }
  for (const [code, expected] of Object.entries(reactions)) {
    const { realtime, sockets, names, last, clock, app } = client()
    sockets[0].welcome()
    names()
    sockets[0].end(Number(code))
    const { delay } = last('reconnecting') ?? {}
    assert.equal(delay, expected.includes('error') ? undefined : code === '4201' ? 0 : 500, code)
    assert.deepEqual(names(), expected, code)
    assert.equal(realtime.state, expected.includes('error') ? 'closed' : 'reconnecting')
    if (realtime.state !== 'closed') continue
    await assert.rejects(app.service('todos').find(), { name: 'Disconnected' })
    await clock.pass(100_000)
    assert.equal(sockets.length, 1, code)
    realtime.connect()
    assert.equal(sockets.length, 2, 'until it is asked to')
  }
})

test('waits grow while connections do not last', async () => {
  const { sockets, clock, last } = client()
  const delays = []
  for (const number of [0, 1, 2]) {
    sockets[number].welcome()
    sockets[number].end()
    delays.push(last('reconnecting').delay)
    await clock.pass(delays.at(-1))
  }
  sockets[3].welcome()
  for (const _ of [1, 2, 3]) {
    await clock.pass(20_000)
    sockets[3].receive({ method: '$ping', params: { cursor: 'e-0' } })
  }
  sockets[3].end()
  delays.push(last('reconnecting').delay)
  assert.deepEqual(delays, [500, 1_000, 2_000, 500])
})

test('from a lower transport the higher one is tried, and takes over without a hole or a double', async () => {
  const { realtime, sockets, clock, events, openStream, names, app } = client()
  sockets[0].end()
  const stream = await openStream()
  stream.write(block(1))
  await settled()
  names()
  for (let second = 0; second < 60; second += 20) {
    await clock.pass(20_000)
    stream.write(`event: hb\nid: e-1\ndata:{}\n\n`)
    await settled()
  }
  assert.equal(sockets.length, 2)
  sockets[1].open()
  assert.deepEqual(sockets[1].sent[0].params, { since: 'e-1' })
  stream.write(block(2))
  await settled()
  sockets[1].receive({ id: 1, result: { connectionToken: 'd', recovered: true, cursor: 'e-1', ping: 20_000 } })
  sockets[1].event(2)
  sockets[1].event(3)
  assert.deepEqual(events, [1, 2, 3])
  assert.deepEqual([realtime.transport, names()], ['websocket', ['transport']])
  app.service('todos').find().catch(() => {})
  await settled()
  assert.equal(sockets[1].sent.at(-1).method, 'find')
})

test('a higher transport that would lose something does not take over, and is tried more rarely', async () => {
  const { realtime, sockets, clock, openStream, names } = client()
  sockets[0].end()
  const stream = await openStream()
  names()
  const opened = []
  for (let second = 0; second < 200; second += 10) {
    await clock.pass(10_000)
    stream.write(`event: hb\nid: e-1\ndata:{}\n\n`)
    await settled()
    if (sockets.length - 1 === opened.length) continue
    opened.push(second + 10)
    sockets.at(-1).welcome({ reset: { reason: 'principal', cursor: 'e-9' } })
    await settled()
  }
  assert.deepEqual(opened, [60, 180])
  assert.deepEqual([realtime.transport, names()], ['sse', []])
})

test('a denied client does not try another transport', async () => {
  const { realtime, clock, asked, names, last } = client({ transports: ['sse', 'poll'] })
  await settled()
  asked('sse')[0].answer(401, { name: 'NotAuthenticated', message: 'who?', code: 401, className: 'not-authenticated' })
  await clock.pass(100_000)
  assert.deepEqual([realtime.state, last('error').name, asked('poll').length], ['closed', 'NotAuthenticated', 0])
  assert.deepEqual(names(), ['error'])
})

test('a denied client may ask once more with other headers', async () => {
  let token = 0
  const headers = async () => ({ Authorization: `Bearer ${(token += 1)}` })
  const { realtime, clock, asked } = client({ transports: ['sse'], headers })
  for (const number of [0, 1]) {
    await settled()
    assert.equal(asked('sse')[number].headers.Authorization, `Bearer ${number + 1}`)
    asked('sse')[number].answer(401, { name: 'NotAuthenticated', message: 'who?', code: 401 })
    await clock.pass(500)
  }
  assert.deepEqual([realtime.state, asked('sse').length], ['closed', 2])
})

test('a server without room is asked again when it says, over the same transport', async () => {
  const { clock, asked, last } = client({ transports: ['sse', 'poll'] })
  await settled()
  const stream = asked('sse')[0].stream()
  stream.write(busy(7_000))
  await settled()
  assert.equal(last('reconnecting').delay, 7_000)
  await clock.pass(7_000)
  asked('sse')[1].answer(503, { name: 'Unavailable', message: 'full', code: 503 }, { 'retry-after': '3' })
  await clock.pass(2_999)
  assert.equal(asked('sse').length, 2)
  await clock.pass(1)
  assert.equal(asked('sse').length, 3)
  assert.equal(asked('poll').length, 0)
})

test('the server says how often a stream sends something', async () => {
  const { realtime, clock, requests, openStream, last } = client({ transports: ['sse'], grace: 1_000 })
  await openStream()
  requests.find(({ path }) => path === '/realtime/negotiate').answer(200, { heartbeatMs: 5_000 })
  await clock.pass(5_999)
  assert.equal(realtime.state, 'connected')
  await clock.pass(1)
  assert.equal(last('disconnect').reason, 'silent')
})

test('on a network that cuts quiet connections the client sends a ping in time', async () => {
  const { sockets, clock } = client()
  for (const number of [0, 1]) {
    sockets[number].welcome()
    await clock.pass(10_000)
    sockets[number].end()
    await clock.pass(1_000)
  }
  sockets[2].welcome()
  await clock.pass(10_000)
  const pings = sockets[2].sent.filter(({ method }) => method === '$ping')
  assert.equal(pings.length, 2)
  sockets[2].receive({ id: pings[1].id, result: { cursor: 'e-5' } })
  sockets[2].event(5)
  sockets[2].event(6)
})

test('a transport is chosen, and all is as before if it does not get through', async () => {
  const { realtime, sockets, openStream, asked } = client()
  sockets[0].welcome()
  const chosen = realtime.use('sse')
  await openStream({ recovered: true })
  await chosen
  assert.deepEqual([realtime.transport, sockets[0].readyState], ['sse', 3])
  const refused = realtime.use('poll')
  await settled()
  asked('poll')[0].answer(404, { name: 'NotFound', message: 'no', code: 404 })
  await assert.rejects(refused, /'poll' does not get through/)
  assert.equal(realtime.transport, 'sse')
  await assert.rejects(realtime.use('pigeon'), /'pigeon' is not available here/)
  const best = realtime.use()
  await settled()
  sockets[1].welcome({ recovered: true })
  await best
  assert.equal(realtime.transport, 'websocket')
})

test('a transport can be chosen while there is no connection', async () => {
  const { realtime, sockets, openStream } = client()
  await realtime.use('sse')
  assert.equal(sockets[0].readyState, 3)
  await openStream()
  assert.equal(realtime.transport, 'sse')
})

test('a search for a better transport ends with the connection', async () => {
  const { realtime, sockets, clock, asked } = client({ transports: ['websocket', 'sse', 'poll'] })
  sockets[0].welcome()
  const chosen = realtime.use('poll')
  await settled()
  sockets[0].end()
  await assert.rejects(chosen, /does not get through/)
  assert.equal(asked('poll')[0].signal.aborted, true)
  await clock.pass(500)
  sockets[1].welcome()
  assert.equal(realtime.transport, 'websocket')
  const [first, second] = [realtime.use('sse'), realtime.use('poll')]
  await assert.rejects(first, /does not get through/)
  await settled()
  asked('poll')[1].answer(200, { events: [], cursor: 'e-0', connectionToken: 'p' })
  await second
  assert.equal(realtime.transport, 'poll')
})

test('a socket that is left for another answers its calls first', async () => {
  const { app, realtime, sockets, openStream } = client()
  sockets[0].welcome()
  const call = app.service('todos').find()
  const chosen = realtime.use('sse')
  await openStream({ recovered: true })
  await chosen
  assert.equal(sockets[0].readyState, 1)
  sockets[0].receive({ id: 2, result: ['late'] })
  assert.deepEqual(await call, ['late'])
  assert.equal(sockets[0].readyState, 3)
})

test('closed is closed', async () => {
  const { realtime, sockets, clock, events, names } = client()
  sockets[0].welcome()
  names()
  realtime.close()
  sockets[0].event(1)
  sockets[0].end()
  await clock.pass(100_000)
  assert.deepEqual([realtime.state, sockets.length, events, names()], ['closed', 1, [], ['disconnect']])
})

test('it connects when asked to, if not by itself', async () => {
  const { app, realtime, sockets } = client({ autoConnect: false })
  assert.deepEqual([realtime.state, sockets.length], ['idle', 0])
  await assert.rejects(app.service('todos').find(), { name: 'Disconnected', maybeExecuted: false })
  realtime.connect().connect()
  assert.equal(sockets.length, 1)
})

test('an unknown transport is an error', () => {
  assert.throws(() => client({ transports: ['pigeon'] }), /unknown transport 'pigeon': use websocket, sse/)
})
