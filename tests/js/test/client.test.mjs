// The official client over REST and Socket.IO: every method, custom methods, errors, events, reconnects.
import assert from 'node:assert/strict'
import { errors, restClient, socketClient } from '../lib/clients.mjs'
import { once, start } from '../lib/server.mjs'

const TRANSPORTS = {
  'rest over fetch': async (url) => restClient(url),
  'socket.io over websocket': (url) => socketClient(url, { transports: ['websocket'] }),
  'socket.io over polling': (url) => socketClient(url, { transports: ['polling'] }),
  'socket.io with upgrade': (url) => socketClient(url, { transports: ['polling', 'websocket'] })
}

for (const [title, connect] of Object.entries(TRANSPORTS)) {
  describe(`official client, ${title}`, () => {
    let peer, app, todos
    before(async () => {
      peer = await start('peer')
      app = await connect(peer.url)
      todos = app.service('todos')
    })
    after(async () => {
      app?.io?.close()
      await peer?.stop()
    })

    it('creates, gets, updates, patches and removes', async () => {
      const created = await todos.create({ text: 'milk', complete: false })
      assert.equal(typeof created.id, 'number')
      assert.deepEqual({ ...created, id: 0 }, { text: 'milk', complete: false, id: 0 })

      const got = await todos.get(created.id, { query: { x: 'y' } })
      assert.equal(got.text, 'milk')
      assert.deepEqual(got.query, { x: 'y' })

      assert.deepEqual(await todos.update(created.id, { text: 'tea' }), { id: created.id, text: 'tea' })
      assert.deepEqual(await todos.patch(created.id, { complete: true }), { id: created.id, text: 'tea', complete: true })
      assert.deepEqual(await todos.remove(created.id), { id: created.id, text: 'tea', complete: true })
      await assert.rejects(todos.get(created.id), errors.NotFound)
    })

    it('finds with operators, sort, limit and select', async () => {
      const people = app.service('people-typed')
      const ages = [30, 20, 40]
      const made = []
      for (const age of ages) made.push(await people.create({ name: `p${age}`, age, created: age > 25 }))
      const found = await people.find({
        query: { age: { $gt: 20 }, created: true, $sort: { age: -1 }, $limit: 1, $select: ['name'] }
      })
      assert.deepEqual(found, [{ name: 'p40', id: made[2].id }])
      const either = await people.find({ query: { $or: [{ name: 'p20' }, { age: { $in: [30, 31] } }], $sort: { age: 1 } } })
      assert.deepEqual(either.map((person) => person.age), [20, 30])
      for (const person of made) await people.remove(person.id)
    })

    it('changes many at once where the service allows it', async () => {
      const created = await todos.create([{ text: 'a', set: title }, { text: 'b', set: title }])
      assert.deepEqual(created.map((todo) => todo.text), ['a', 'b'])
      const patched = await todos.patch(null, { complete: true }, { query: { set: title } })
      assert.deepEqual(patched.map((todo) => todo.complete), [true, true])
      assert.deepEqual(await todos.remove(null, { query: { set: title } }), { id: null, text: 'deleted many' })
    })

    it('calls custom methods', async () => {
      const provider = title.startsWith('rest') ? 'rest' : 'socketio'
      assert.deepEqual(await todos.customMethod({ a: 1 }), { data: { a: 1 }, provider, type: 'customMethod' })
      const echoed = await app.service('echo').custom({ a: 1 }, { query: { q: 'x' } })
      assert.equal(echoed.method, 'custom')
      assert.deepEqual(echoed.params.query, { q: 'x' })
    })

    it('fills placeholders and sends ids that need encoding', async () => {
      const messages = app.service('users/:userId/messages')
      const echoed = await messages.get('a b/c', { route: { userId: 'u1' } })
      assert.equal(echoed.id, 'a b/c')
      assert.deepEqual(echoed.params.route, { userId: 'u1' })
    })

    it('gets errors of the right class, with code, className, data and errors', async () => {
      const failure = await app.service('errors').get('bad').catch((error) => error)
      assert.ok(failure instanceof errors.BadRequest)
      assert.ok(failure instanceof Error)
      const { name, message, code, className, data, errors: byField } = failure
      assert.deepEqual({ name, message, code, className, data, errors: byField }, {
        name: 'BadRequest', message: 'bad', code: 400, className: 'bad-request', data: { foo: 'bar' },
        errors: { email: 'invalid' }
      })
      const list = await app.service('errors').get('badarr').catch((error) => error)
      assert.deepEqual(list.data, [1, 2])
      for (const [id, type] of [['other', errors.Forbidden], ['general', errors.GeneralError]]) {
        await assert.rejects(app.service('errors').get(id), type)
      }
      await assert.rejects(app.service('nope').find(), errors.NotFound)
      await assert.rejects(app.service('findonly').create({}), errors.MethodNotAllowed)
      await assert.rejects(app.service('people').create([{}, {}]), errors.MethodNotAllowed)
    })

    it('gets null and falsy results', async () => {
      const values = app.service('values')
      assert.equal(await values.get('null'), null)
      assert.equal(await values.get('one'), 1)
      assert.deepEqual(await values.get('array'), [])
    })
  })
}

describe('official client, events over socket.io', () => {
  let peer, clients
  before(async () => {
    peer = await start('peer')
    clients = [
      await socketClient(peer.url, { transports: ['websocket'] }),
      await socketClient(peer.url, { transports: ['polling'] })
    ]
  })
  after(async () => {
    clients?.forEach((client) => client.io.close())
    await peer?.stop()
  })

  it('reach every other client, over whichever transport the call is made', async () => {
    for (const caller of [restClient(peer.url), ...clients]) {
      const heard = clients.map((client) => once((done) => client.service('todos').once('created', done), 'created'))
      const created = await caller.service('todos').create({ text: 'heard' })
      for (const event of await Promise.all(heard)) assert.deepEqual(event, created)
    }
  })

  it('come once per record, for each kind of change, in order', async () => {
    const heard = []
    for (const event of ['created', 'updated', 'patched', 'removed']) {
      clients[1].service('todos').on(event, (todo) => heard.push([event, todo.id]))
    }
    const last = once((done) => clients[1].service('todos').once('removed', done), 'removed')
    const [a, b] = await clients[0].service('todos').create([{ text: 'a' }, { text: 'b' }])
    await clients[0].service('todos').update(a.id, { text: 'c' })
    await clients[0].service('todos').patch(b.id, { text: 'd' })
    await clients[0].service('todos').remove(a.id)
    await last
    assert.deepEqual(heard, [['created', a.id], ['created', b.id], ['updated', a.id], ['patched', b.id], ['removed', a.id]])
  })

  it('come before the answer to the call that caused them', async () => {
    const order = []
    clients[0].service('ev').once('created', () => order.push('event'))
    await clients[0].service('ev').create({ n: 1 }).then(() => order.push('answer'))
    assert.deepEqual(order, ['event', 'answer'])
  })

  it('can be custom ones', async () => {
    const heard = once((done) => clients[1].service('ev').once('customEvent', done), 'customEvent')
    await clients[0].service('ev').create({ n: 1 }, { query: { emit: 1 } })
    assert.deepEqual(await heard, { hello: 'custom' })
  })
})

describe('official client, server that goes away', function () {
  this.timeout(30_000)
  if (process.env.PEER_URL) return

  for (const transport of ['websocket', 'polling']) {
    it(`reconnects and gets events again over ${transport}`, async () => {
      let peer = await start('peer')
      const app = await socketClient(peer.url, { transports: [transport] })
      try {
        const down = once((done) => app.io.once('disconnect', done), 'disconnect')
        const { code } = await peer.stop()
        assert.equal(code, 0)
        assert.notEqual(await down, 'io server disconnect', 'stock clients do not reconnect after that')

        const up = once((done) => app.io.once('connect', done), 'reconnect', 20_000)
        peer = await start('peer', { port: peer.port })
        await up
        const heard = once((done) => app.service('todos').once('created', done), 'created')
        const created = await app.service('todos').create({ text: 'after' })
        assert.deepEqual(await heard, created)
      } finally {
        app.io.close()
        await peer.stop()
      }
    })
  }
})
