import assert from 'node:assert/strict'
import { test } from 'node:test'
import { feathers } from '@feathersjs/feathers'
import { realtime } from '../dist/index.js'
import { client } from './lib/client.js'
import { settled } from './lib/clock.js'

test('a service has the emitter of Feathers', () => {
  const { app, sockets } = client()
  const seen = []
  const todos = app.service('todos')
  const listener = (data) => seen.push(['on', data])
  todos.on('patched', listener)
  todos.once('patched', (data) => seen.push(['once', data]))
  sockets[0].welcome()
  sockets[0].event(1, 'todos', 'patched')
  sockets[0].event(2, 'todos', 'patched')
  assert.deepEqual([todos.listenerCount('patched'), todos.eventNames()], [1, ['created', 'patched']])
  todos.off('patched', listener)
  sockets[0].event(3, 'todos', 'patched')
  todos.on('mine', listener).emit('mine', 4)
  assert.deepEqual(seen, [['on', 1], ['once', 1], ['on', 2], ['on', 4]])
})

test('its own calls emit nothing by themselves: the events are the server’s', async () => {
  const { app, sockets, events } = client()
  sockets[0].welcome()
  const call = app.service('todos').create({})
  await settled()
  sockets[0].receive({ id: 2, result: { id: 1 } })
  await call
  assert.deepEqual(events, [])
})

test('events of unused services, of the root, and named `error` do no harm', () => {
  const { app, sockets, events } = client()
  const seen = []
  app.service('/').on('created', (data) => seen.push(data))
  sockets[0].welcome()
  sockets[0].event(1, 'unknown')
  sockets[0].event(2, 'toString')
  sockets[0].event(3, '')
  sockets[0].event(4, 'todos', 'error')
  sockets[0].event(5)
  assert.deepEqual([seen, events], [[3], [5]])
})

test('placeholders are filled in, and their events have the pattern', async () => {
  const { app, sockets } = client()
  const seen = []
  const messages = app.service('users/:userId/messages')
  messages.on('created', (data) => seen.push(data))
  sockets[0].welcome()
  messages.get(1, { route: { userId: '$& u' } }).catch(() => {})
  await settled()
  assert.equal(sockets[0].sent[1].params.path, 'users/$& u/messages')
  sockets[0].event(1, 'users/:userId/messages')
  assert.deepEqual(seen, [1])
})

test('custom methods are declared with the service, and have its hooks', async () => {
  const remote = realtime('http://server', { autoConnect: false })
  const app = feathers().configure(remote)
  app.use('todos', remote.service('todos'), { methods: ['find', 'clap'] })
  const order = []
  app.service('todos').hooks({ before: { clap: [(context) => { order.push(context.method, context.data) }] } })
  await assert.rejects(app.service('todos').clap({ hands: 2 }), { name: 'Disconnected' })
  assert.deepEqual(order, ['clap', { hands: 2 }])
})

test('custom methods go by name over a socket', async () => {
  const { app, sockets } = client()
  const todos = app.service('todos').methods('clap')
  sockets[0].welcome()
  const call = todos.clap({ hands: 2 }, { query: { q: 1 } })
  await settled()
  const { id, method, params } = sockets[0].sent[1]
  assert.deepEqual([method, params], ['clap', { path: 'todos', data: { hands: 2 }, query: { q: 1 } }])
  sockets[0].receive({ id, result: 'ok' })
  assert.equal(await call, 'ok')
})

test('over HTTP calls are those of the REST client', async () => {
  const { app, openStream, requests } = client({ transports: ['sse'], headers: { 'X-App': 'a' } })
  const todos = app.service('todos').methods('request')
  await openStream()
  const sent = async (call) => {
    call.catch(() => {})
    await settled()
    const { method, path, query, headers, body } = requests.at(-1)
    assert.deepEqual([headers['X-Connection-Token'], headers['X-App'], headers.Accept], ['s', 'a', 'application/json'])
    return [method, path, query, body, headers['X-Service-Method']]
  }
  assert.deepEqual(await sent(todos.find({ query: { $sort: { a: -1 }, b: [1, 2] } })),
    ['GET', '/todos', { '$sort[a]': '-1', 'b[0]': '1', 'b[1]': '2' }, undefined, undefined])
  assert.deepEqual(await sent(todos.get('a b/c')), ['GET', '/todos/a%20b%2Fc', {}, undefined, undefined])
  assert.deepEqual(await sent(todos.create({ a: 1 })), ['POST', '/todos', {}, '{"a":1}', undefined])
  assert.deepEqual(await sent(todos.update(1, { a: 1 })), ['PUT', '/todos/1', {}, '{"a":1}', undefined])
  assert.deepEqual(await sent(todos.patch(null, { a: 1 }, { query: { b: 2 } })),
    ['PATCH', '/todos', { b: '2' }, '{"a":1}', undefined])
  assert.deepEqual(await sent(todos.remove(1)), ['DELETE', '/todos/1', {}, undefined, undefined])
  assert.deepEqual(await sent(todos.request({ a: 1 })), ['POST', '/todos', {}, '{"a":1}', 'request'])
})

test('over HTTP errors and empty answers are those of the REST client', async () => {
  const { app, openStream, requests } = client({ transports: ['sse'] })
  const todos = app.service('todos')
  await openStream()
  const answered = async (...answer) => {
    const call = todos.get(1)
    call.catch(() => {})
    await settled()
    if (answer.length) requests.at(-1).answer(...answer)
    else requests.at(-1).fail()
    return call
  }
  assert.equal(await answered(204), null)
  await assert.rejects(answered(404, { name: 'NotFound', message: 'no', code: 404 }), { name: 'NotFound', code: 404 })
  await assert.rejects(answered(502), { name: 'BadGateway' })
  await assert.rejects(answered(), { name: 'Disconnected', maybeExecuted: true })
})

test('an app has one connection', () => {
  const { app } = client()
  assert.throws(() => app.configure(realtime('http://other', { autoConnect: false })), /Only one default client provider/)
})
