// What may happen during a login or logout: on a network of the test's own, where each message waits for the test.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client } from './lib/client.js'
import { settled } from './lib/clock.js'

const ANA = { strategy: 'jwt', accessToken: 'ana' }
const error = (code, name) => ({ name, message: 'no', code, className: name })

/** A client that is logged in over a WebSocket. */
async function loggedIn(options) {
  const made = client(options)
  made.sockets[0].welcome()
  const call = made.app.service('authentication').create(ANA)
  await settled()
  made.sockets[0].receive({ id: 2, result: { accessToken: 'ana' } })
  await call
  made.names()
  return made
}

const hello = (socket) => socket.sent[0].params
const poll = (cursor, connectionToken) => ({ events: [], cursor, connectionToken, more: false })

test('a transport that is tried during a login is dialled again with the login', async () => {
  const { app, realtime, sockets, asked, openStream, names } = client()
  await realtime.use('sse')
  await openStream()
  const best = realtime.use()
  await settled()
  sockets[1].open()
  const call = app.service('authentication').create(ANA)
  await settled()
  asked(undefined).at(-1).answer(201, { accessToken: 'ana' })
  await call
  names()
  sockets[1].receive({ id: 1, result: { connectionToken: 'c', recovered: true, cursor: 'e-0', ping: 20_000 } })
  assert.deepEqual([realtime.transport, sockets[1].readyState], ['sse', 3])
  sockets[2].welcome({ recovered: true })
  await best
  assert.deepEqual(hello(sockets[2]), { since: 'e-0', auth: ANA })
  assert.deepEqual([realtime.transport, names()], ['websocket', ['transport']])
})

test('a connection that comes back while a login by HTTP is answered is dialled again with it', async () => {
  const { app, realtime, asked, openStream, clock, names } = client({ transports: ['sse'] })
  const stream = await openStream()
  const call = app.service('authentication').create(ANA)
  await settled()
  stream.cut()
  await clock.pass(500)
  const answer = asked(undefined).findLast(({ path }) => path === '/authentication')
  answer.answer(201, { accessToken: 'ana' })
  await call
  names()
  await openStream({ recovered: true })
  assert.equal(realtime.state, 'reconnecting')
  await openStream({ recovered: true })
  assert.deepEqual(asked('sse').map(({ headers }) => headers.Authorization), [undefined, undefined, 'Bearer ana'])
  assert.deepEqual([realtime.state, names()], ['connected', ['connect']])
})

test('a link that has taken over gets a login and a logout that were under way', async () => {
  const { app, realtime, sockets, asked, openStream } = client()
  const takeOver = async (name, call) => {
    await settled()
    const chosen = realtime.use(name)
    if (name === 'sse') await openStream({ recovered: true })
    else {
      await settled()
      sockets.at(-1).welcome({ recovered: true })
    }
    await chosen
    return call
  }
  sockets[0].welcome()
  const login = app.service('authentication').create({ strategy: 'local' })
  await takeOver('sse')
  sockets[0].receive({ id: 2, result: { accessToken: 'ana' } })
  await settled()
  const told = asked(undefined).at(-1)
  assert.deepEqual([told.method, told.path, JSON.parse(told.body)], ['POST', '/authentication', ANA])
  assert.equal(told.headers['X-Connection-Token'], 's')
  told.answer(201, { accessToken: 'ana' })
  assert.deepEqual(await login, { accessToken: 'ana' })

  const logout = app.service('authentication').remove(null)
  await settled()
  const request = asked(undefined).at(-1)
  await takeOver('websocket')
  assert.deepEqual(hello(sockets[1]).auth, ANA)
  request.answer(200, { accessToken: 'ana' })
  await settled()
  const { id, method, params } = sockets[1].sent.at(-1)
  assert.deepEqual([method, params], ['remove', { path: 'authentication', id: null, query: {} }])
  sockets[1].receive({ id, result: {} })
  await logout
  sockets[1].end(4201)
  await settled()
  await realtime.use('websocket')
  sockets.at(-1).open()
  assert.equal(hello(sockets.at(-1)).auth, undefined)
})

test('a login waits for a connection that is lost, other calls do not', async () => {
  const { app, sockets, clock } = await loggedIn()
  sockets[0].end()
  await assert.rejects(app.service('todos').find(), { name: 'Disconnected' })
  const call = app.service('authentication').create(ANA)
  await clock.pass(500)
  sockets[1].welcome({ recovered: true })
  await settled()
  sockets[1].receive({ id: 2, result: { accessToken: 'ana' } })
  assert.deepEqual(await call, { accessToken: 'ana' })
})

test('it does not wait for longer than the next try', async () => {
  const { app, sockets, clock } = await loggedIn({ transports: ['websocket'] })
  sockets[0].end()
  const call = app.service('authentication').create(ANA)
  call.catch(() => {})
  await clock.pass(500)
  sockets[1].end()
  await clock.pass(1_000)
  sockets[2].end()
  await assert.rejects(call, { name: 'Disconnected', maybeExecuted: false })
})

test('a token that is refused when it is sent again is forgotten, and an older one is not', async () => {
  for (const [accessToken, auth] of [['ana', undefined], ['old', ANA]]) {
    const { app, sockets, clock } = await loggedIn()
    const call = app.service('authentication').create({ strategy: 'jwt', accessToken })
    await settled()
    sockets[0].receive({ id: 3, error: { code: 401, message: 'no', data: error(401, 'NotAuthenticated') } })
    await assert.rejects(call, { code: 401 })
    sockets[0].end()
    await clock.pass(500)
    sockets[1].open()
    assert.deepEqual(hello(sockets[1]).auth, auth)
  }
})

test('a logout without a login is done, and one that fails is not', async () => {
  for (const [code, auth] of [[401, undefined], [500, ANA]]) {
    const { app, sockets, clock } = await loggedIn()
    const call = app.service('authentication').remove(null)
    await settled()
    sockets[0].receive({ id: 3, error: { code, message: 'no', data: error(code, 'Failed') } })
    await assert.rejects(call, { code })
    sockets[0].end()
    await clock.pass(500)
    sockets[1].open()
    assert.deepEqual(hello(sockets[1]).auth, auth)
  }
})

test('a login without a token, and one that is not of the authentication service, are not carried', async () => {
  const answers = [
    ['authentication', { user: 'bob' }], ['authentication', null], ['authentication', { accessToken: 1 }],
    ['users', { accessToken: 'bob' }]
  ]
  for (const [path, result] of answers) {
    const { app, sockets, clock } = await loggedIn()
    const call = app.service(path).create({})
    await settled()
    sockets[0].receive({ id: 3, result })
    await call
    sockets[0].end()
    await clock.pass(500)
    sockets[1].open()
    assert.deepEqual(hello(sockets[1]).auth, path === 'users' ? ANA : undefined)
  }
})

test('a client that gets a 403 keeps the login, and does not connect without it', async () => {
  const { realtime, sockets, clock, names, last } = await loggedIn()
  sockets[0].end()
  await clock.pass(500)
  sockets[1].open()
  sockets[1].receive({ id: 1, error: { code: 403, message: 'no', data: error(403, 'Forbidden') } })
  await clock.pass(100_000)
  assert.deepEqual([realtime.state, last('error').code, sockets.length], ['closed', 403, 2])
  assert.deepEqual(names(), ['disconnect', 'reconnecting', 'error'])
  realtime.connect()
  sockets[2].open()
  assert.deepEqual(hello(sockets[2]).auth, ANA)
})

test('where every connection needs a login, the connection is closed when the login is over', async () => {
  const { realtime, asked, openStream, app, clock, names, last } = client({ transports: ['sse'] })
  const stream = await openStream()
  const call = app.service('authentication').create(ANA)
  await settled()
  asked(undefined).at(-1).answer(201, { accessToken: 'ana' })
  await call
  names()
  stream.end()
  await clock.pass(500)
  for (const number of [1, 2]) {
    asked('sse')[number].answer(401, error(401, 'NotAuthenticated'))
    await settled()
  }
  await clock.pass(100_000)
  assert.deepEqual([realtime.state, asked('sse').length], ['closed', 3])
  assert.deepEqual([last('unauthenticated').code, last('error').code], [401, 401])
  assert.deepEqual(names(), ['disconnect', 'reconnecting', 'unauthenticated', 'error'])
})

test('the first dial that carries no login does not wait, and other transports are not tried', async () => {
  const { sockets, clock, asked } = await loggedIn()
  sockets[0].end(4401)
  await clock.pass(500)
  sockets[1].end(4401)
  assert.deepEqual([sockets.length, asked('sse').length], [3, 0])
  sockets[2].open()
  assert.deepEqual(hello(sockets[2]), { since: 'e-0' })
})

test('a denied login that is older than the last one changes nothing', async () => {
  const { app, asked, openStream, clock, names } = client({ transports: ['sse'] })
  const stream = await openStream()
  const login = async () => {
    const call = app.service('authentication').create({ strategy: 'local' })
    await settled()
    return { call, request: asked(undefined).at(-1) }
  }
  const first = await login()
  first.request.answer(201, { accessToken: 'ana' })
  await first.call
  const second = await login()
  stream.cut()
  await clock.pass(500)
  second.request.answer(201, { accessToken: 'bob' })
  await second.call
  asked('sse')[1].answer(401, error(401, 'NotAuthenticated'))
  await settled()
  assert.deepEqual(asked('sse').slice(1).map(({ headers }) => headers.Authorization), ['Bearer ana', 'Bearer bob'])
  assert.ok(!names().includes('unauthenticated'))
})

test('when the server has lost the session of a poll, calls are of the next one', async () => {
  const { app, asked } = client({ transports: ['longpoll'] })
  await settled()
  asked('poll')[0].answer(200, poll('e-0', 'p'))
  await settled()
  asked('poll')[1].answer(200, poll('e-0', 'q'))
  await settled()
  app.service('todos').find().catch(() => {})
  await settled()
  assert.equal(asked(undefined).at(-1).headers['X-Connection-Token'], 'q')
})
