// The official authentication client, unchanged, over each transport, against a server on a local port.
import assert from 'node:assert/strict'
import { afterEach, test } from 'node:test'
import authentication, { MemoryStorage } from '@feathersjs/authentication-client'
import { feathers } from '@feathersjs/feathers'
import { WebSocket } from 'ws'
import { realtime, systemClock } from '../dist/index.js'
import { start } from './lib/server.js'

const ALL = ['websocket', 'sse', 'longpoll', 'poll']
const ANA = { strategy: 'local', user: 'ana', password: 'right' }
const running = []

afterEach(async () => {
  for (const stop of running.splice(0).reverse()) await stop()
})

async function server(options) {
  const server = await start(options)
  running.push(async () => {
    await server.stop()
    const urls = server.requests.map(({ url }) => url)
    assert.deepEqual(urls.filter((url) => /token|right/.test(url)), [], 'a token is in a URL')
  })
  return server
}

/** An app with the official client, which has come back to this `storage` if it is given. */
function client({ url }, transports, { storage = new MemoryStorage(), ...options } = {}, authOptions = {}) {
  // Waits are as short as they can be.
  const clock = { ...systemClock, random: () => 0 }
  const app = feathers()
    .configure(realtime(url, { transports: [transports].flat(), WebSocket, clock, ...options }))
    .configure(authentication({ storage, ...authOptions }))
  const [events, seen] = [[], []]
  app.service('todos').on('created', (data) => events.push(data))
  for (const name of ['connect', 'disconnect', 'reset', 'unauthenticated', 'error']) {
    app.realtime.on(name, (info) => seen.push([name, info]))
  }
  running.push(() => app.realtime.close())
  return {
    app, storage, events, seen,
    realtime: app.realtime,
    whoami: async () => (await app.service('whoami').create({})).user,
    stored: () => storage.getItem('feathers-jwt'),
    count: (event) => seen.filter(([name]) => name === event).length
  }
}

/** Waits until something is so. */
async function until(holds) {
  for (const end = Date.now() + 5_000; !holds();) {
    assert.ok(Date.now() < end, `never so: ${holds}`)
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
}

/** The requests that dial or poll, or are calls. */
const dials = ({ requests }) => requests.filter(({ url }) => /^\/realtime\?/.test(url))
const bearer = ({ headers }) => headers.authorization

for (const transport of ALL) {
  const lose = (server, app) => {
    // Polls go on by themselves after one that was cut.
    server.drop()
    if (transport.endsWith('poll')) app.realtime.close().connect()
  }

  test(`${transport}: a client that logs in calls and listens as this user, at once`, async () => {
    const host = await server()
    const { app, whoami, events, realtime, stored } = client(host, transport)
    assert.equal(await whoami(), null)
    const result = await app.authenticate(ANA)
    assert.deepEqual([result.user, result.accessToken], ['ana', 'token-ana'])
    assert.deepEqual([app.authentication.authenticated, await stored()], [true, 'token-ana'])
    assert.equal(await whoami(), 'ana')
    host.publish('for ana', 'ana')
    host.publish('for bob', 'bob')
    host.publish('for all')
    await until(() => events.length === 2)
    assert.deepEqual([events, realtime.transport], [['for ana', 'for all'], transport])
  })

  test(`${transport}: a connection that comes back carries the login and gets what its user has missed`, async () => {
    const host = await server()
    const { app, whoami, events, seen, count } = client(host, transport)
    await app.authenticate(ANA)
    host.publish(1, 'ana')
    await until(() => events.length === 1)
    lose(host, app)
    host.publish(2, 'ana')
    host.publish(3, 'bob')
    host.publish(4)
    await until(() => events.length === 3)
    assert.deepEqual([events, await whoami()], [[1, 2, 4], 'ana'])
    assert.equal(seen.findLast(([name]) => name === 'connect')[1].recovered, true)
    assert.equal(host.logins.length, 1, 'no client had to log in again')
    assert.equal((await app.get('authentication')).user, 'ana')
    assert.equal(count('unauthenticated'), 0)
    if (transport === 'websocket') {
      assert.deepEqual(host.hellos, [{}, { since: 'e-1', auth: { strategy: 'jwt', accessToken: 'token-ana' } }])
    } else {
      assert.deepEqual([bearer(dials(host)[0]), bearer(dials(host).at(-1))], [undefined, 'Bearer token-ana'])
    }
  })

  test(`${transport}: a client that has logged out is anonymous, also when the connection comes back`, async () => {
    const host = await server()
    const { app, whoami, events, stored } = client(host, transport)
    await app.authenticate(ANA)
    await app.logout()
    assert.deepEqual([await whoami(), await stored(), await app.get('authentication')], [null, undefined, null])
    const before = dials(host).length
    lose(host, app)
    host.publish('for ana', 'ana')
    host.publish('for all')
    await until(() => events.length === 1)
    assert.deepEqual([events, await whoami()], [['for all'], null])
    assert.equal(host.hellos.at(-1)?.auth, undefined)
    assert.deepEqual(dials(host).slice(before).filter(bearer), [])
  })

  test(`${transport}: a login that has expired is forgotten, and events for everybody go on`, async () => {
    const host = await server()
    const { app, whoami, events, seen, count, stored, realtime } = client(host, transport)
    await app.authenticate(ANA)
    host.publish(1, 'ana')
    await until(() => events.length === 1)
    host.expire('token-ana')
    await until(() => count('unauthenticated') === 1)
    const [, error] = seen.find(([name]) => name === 'unauthenticated')
    assert.deepEqual([error.name, error.code], ['NotAuthenticated', 401])
    host.publish(2, 'ana')
    host.publish(3)
    await until(() => events.length === 2)
    assert.deepEqual([events, realtime.state, await whoami()], [[1, 3], 'connected', null])
    assert.deepEqual([app.authentication.authenticated, await app.get('authentication')], [false, null])
    assert.equal(await stored(), undefined)
    assert.deepEqual([count('unauthenticated'), count('error')], [1, 0])
  })

  test(`${transport}: a client whose login is over may log in at once`, async () => {
    const host = await server()
    const { app, whoami, realtime } = client(host, transport)
    await app.authenticate(ANA)
    let again
    realtime.on('unauthenticated', () => {
      again = app.authenticate({ ...ANA, user: 'bob' })
    })
    host.expire('token-ana')
    await until(() => again)
    assert.equal((await again).user, 'bob')
    assert.deepEqual([await whoami(), (await app.get('authentication')).user], ['bob', 'bob'])
  })

  test(`${transport}: a newer token in the storage is tried before the login is over`, async () => {
    const host = await server()
    const { app, whoami, storage, count } = client(host, transport)
    await app.authenticate(ANA)
    host.tokens.set('token-of-another-page', 'ana')
    await storage.setItem('feathers-jwt', 'token-of-another-page')
    host.expire('token-ana')
    await until(() => host.logins.length === 2)
    assert.equal((await app.get('authentication')).accessToken, 'token-of-another-page')
    assert.deepEqual([await whoami(), count('unauthenticated')], ['ana', 0])
  })

  test(`${transport}: a page that is loaded again logs in from its storage`, async () => {
    const host = await server()
    host.tokens.set('token-ana', 'ana')
    const storage = new MemoryStorage()
    await storage.setItem('feathers-jwt', 'token-ana')
    host.publish(1)
    host.publish(2)
    const { app, whoami, events } = client(host, transport, { storage, since: 'e-1' })
    assert.equal((await app.reAuthenticate()).user, 'ana')
    host.publish(3, 'ana')
    await until(() => events.length === 2)
    assert.deepEqual([events, await whoami()], [[2, 3], 'ana'])
  })

  test(`${transport}: a login that fails changes nothing`, async () => {
    const host = await server()
    const { app, whoami, events } = client(host, transport)
    await app.service('authentication').create(ANA)
    await assert.rejects(app.authenticate({ ...ANA, password: 'wrong' }), { name: 'NotAuthenticated' })
    lose(host, app)
    host.publish(1, 'ana')
    await until(() => events.length === 1)
    assert.equal(await whoami(), 'ana')
  })

  test(`${transport}: the path of the authentication service can be another one`, async () => {
    const host = await server({ path: 'api/login' })
    const { app, whoami, events } = client(host, transport, { authentication: '/api/login/' }, { path: '/api/login' })
    await app.authenticate(ANA)
    lose(host, app)
    host.publish(1, 'ana')
    await until(() => events.length === 1)
    assert.equal(await whoami(), 'ana')
  })

  test(`${transport}: another transport that takes over is logged in too`, async () => {
    const host = await server()
    const { app, whoami, events, realtime, count } = client(host, ALL)
    await realtime.use(transport)
    await app.authenticate(ANA)
    for (const other of ALL.filter((name) => name !== transport)) {
      await realtime.use(other)
      assert.deepEqual([realtime.transport, await whoami()], [other, 'ana'])
      host.publish(other, 'ana')
      await until(() => events.at(-1) === other)
    }
    assert.deepEqual([host.logins.length, count('reset'), count('unauthenticated')], [1, 0, 0])
  })
}

for (const isSilent of [true, false]) {
  test(`websocket: a login is denied ${isSilent ? 'by 4401 alone' : 'by an error, then 4401'}`, async () => {
    const host = await server({ isSilent })
    const { app, count, realtime, whoami } = client(host, 'websocket')
    await app.authenticate(ANA)
    host.expire('token-ana')
    await until(() => count('unauthenticated') === 1)
    assert.deepEqual(host.hellos.map(({ auth }) => auth?.accessToken), [undefined, 'token-ana', undefined])
    assert.deepEqual([await whoami(), realtime.state, count('disconnect')], [null, 'connected', 1])
  })
}

for (const transport of ['sse', 'longpoll', 'poll']) {
  test(`${transport}: a call works as its user also when the session is lost`, async () => {
    const host = await server()
    const { app, whoami } = client(host, transport)
    await app.authenticate(ANA)
    host.sessions.clear()
    assert.equal(await whoami(), 'ana')
    const [login, call] = [host.requests.find(({ url }) => url === '/authentication'), host.requests.at(-1)]
    assert.match(login.headers['x-connection-token'], /^conn-/)
    assert.deepEqual([bearer(login), bearer(call)], [undefined, 'Bearer token-ana'])
  })

  test(`${transport}: a login on a session that is logged in carries that login, or it would be refused`, async () => {
    const host = await server()
    const { app, whoami } = client(host, transport)
    await app.authenticate(ANA)
    await app.authenticate({ ...ANA, user: 'bob' })
    const logins = host.requests.filter(({ url }) => url === '/authentication')
    assert.deepEqual([logins.map(bearer), await whoami()], [[undefined, 'Bearer token-ana'], 'bob'])
  })
}

for (const transport of ['longpoll', 'poll']) {
  test(`${transport}: the polls of an open session carry the login too, and its end`, async () => {
    const host = await server()
    const { app } = client(host, transport)
    // A poll that was on its way at the login or logout has the old header, so the second one is checked.
    const second = async () => {
      for (const _ of [1, 2]) {
        const before = dials(host).length
        host.publish('for all')
        await until(() => dials(host).length > before)
        assert.equal(host.sessions.size, 1)
      }
      return bearer(dials(host).at(-1))
    }
    assert.equal(await second(), undefined)
    await app.authenticate(ANA)
    assert.equal(await second(), 'Bearer token-ana')
    await app.logout()
    assert.equal(await second(), undefined)
  })
}

test('Authorization in the headers of the app comes before the login', async () => {
  for (const name of ['Authorization', 'authorization']) {
    const host = await server()
    host.tokens.set('token-app', 'app')
    const { app, whoami } = client(host, 'longpoll', { headers: { [name]: 'Bearer token-app' } })
    await app.authenticate(ANA)
    await whoami()
    assert.deepEqual([...new Set(host.requests.map(bearer))], ['Bearer token-app'])
  }
})

test('so does that of a single call', async () => {
  const host = await server()
  const { app } = client(host, 'sse')
  await app.authenticate(ANA)
  await app.service('whoami').create({}, { headers: { authorization: 'Bearer token-other' } })
  assert.equal(bearer(host.requests.at(-1)), 'Bearer token-other')
})
