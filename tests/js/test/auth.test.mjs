// The official authentication client against the peer, over REST and Socket.IO: every sentence is one of the protocol.
import { strict as assert } from 'node:assert'
import client from '@feathersjs/client'
import { io } from 'socket.io-client'
import { once, start } from '../lib/server.mjs'
import { until } from '../lib/until.mjs'

const LOGIN = { strategy: 'local', email: 'hello@feathersjs.com', password: 'supersecret' }

/** Where a page would keep its token. */
class Store {
  items = new Map()
  getItem(key) {
    return this.items.get(key) ?? null
  }
  setItem(key, value) {
    this.items.set(key, value)
  }
  removeItem(key) {
    this.items.delete(key)
  }
}

const connected = []

function open(transport, url, storage = new Store(), options = {}) {
  const app = client.feathers()
  if (transport === 'rest') {
    app.configure(client.rest(url).fetch(globalThis.fetch))
  } else {
    const socket = io(url, { transports: [transport], reconnectionDelay: 50, reconnectionDelayMax: 200, ...options })
    connected.push(socket)
    app.configure(client.socketio(socket))
  }
  return app.configure(client.authentication({ storage }))
}

const payloadOf = (token) => JSON.parse(Buffer.from(token.split('.')[1], 'base64url'))
const headerOf = (token) => JSON.parse(Buffer.from(token.split('.')[0], 'base64url'))

for (const transport of ['rest', 'websocket', 'polling']) {
  describe(`authentication over ${transport}`, () => {
    let server
    before(async () => {
      server = await start('peer')
    })
    afterEach(() => connected.splice(0).forEach((socket) => socket.close()))
    after(() => server.stop())

    it('logs in with a password: token, payload and the user without the password', async () => {
      const app = open(transport, server.url)
      const result = await app.authenticate(LOGIN)
      assert.deepEqual(Object.keys(result), ['accessToken', 'authentication', 'user'])
      assert.deepEqual(result.user, { id: 0, email: 'hello@feathersjs.com' })
      assert.equal(result.authentication.strategy, 'local')
      const payload = payloadOf(result.accessToken)
      assert.deepEqual(result.authentication.payload, payload)
      assert.deepEqual(Object.keys(payload).sort(), ['aud', 'exp', 'iat', 'jti', 'sub'])
      assert.equal(payload.sub, '0')
      assert.equal(payload.exp - payload.iat, 86_400)
      assert.match(payload.jti, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      assert.deepEqual(headerOf(result.accessToken), { alg: 'HS256', typ: 'access' })
    })

    it('makes calls as the user from then on', async () => {
      const app = open(transport, server.url)
      await assert.rejects(app.service('dummy').find(), { name: 'NotAuthenticated', code: 401, message: 'Not authenticated' })
      await app.authenticate(LOGIN)
      const { user, auth } = await app.service('dummy').find()
      assert.deepEqual({ email: user.email, auth }, { email: 'hello@feathersjs.com', auth: true })
    })

    it('logs in again with the stored token, as after a reload', async () => {
      const storage = new Store()
      const { accessToken } = await open(transport, server.url, storage).authenticate(LOGIN)
      assert.equal(storage.getItem('feathers-jwt'), accessToken)
      const app = open(transport, server.url, storage)
      const result = await app.reAuthenticate()
      assert.equal(result.accessToken, accessToken)
      assert.equal(result.authentication.strategy, 'jwt')
      assert.equal(result.authentication.accessToken, accessToken)
      assert.equal((await app.service('dummy').find()).auth, true)
    })

    it('logs out', async () => {
      const storage = new Store()
      const app = open(transport, server.url, storage)
      const { accessToken } = await app.authenticate(LOGIN)
      const result = await app.logout()
      assert.equal(result.accessToken, accessToken)
      assert.equal(storage.getItem('feathers-jwt'), null)
      await assert.rejects(app.service('dummy').find(), { code: 401 })
    })

    it('settles the call that ends its own login, and those beside it', async () => {
      const changes = {
        password: (users, id) => users.patch(id, { password: 'another secret' }),
        role: (users, id) => users.patch(id, { role: 'admin' }),
        removal: (users, id) => users.remove(id)
      }
      for (const [index, [name, change]] of Object.entries(changes).entries()) {
        const id = 1_000 + index
        const login = { strategy: 'local', email: `${name}@${transport}.example`, password: 'supersecret' }
        const app = open(transport, server.url)
        const { email, password } = login
        await app.service('users').create({ id, email, password })
        await app.authenticate(login)
        const slow = app.service('slow').get(300)
        const changed = change(app.service('users'), id)
        const behind = app.service('todos').find().then(() => 200, ({ code }) => code)
        assert.equal((await changed).id, id, name)
        assert.ok([200, 401].includes(await behind), name)
        assert.equal(Number((await slow).id), 300, name)
      }
    })

    it('forgets a token that is not valid', async () => {
      const storage = new Store()
      storage.setItem('feathers-jwt', 'nonsense')
      const app = open(transport, server.url, storage)
      await assert.rejects(app.reAuthenticate(), { name: 'NotAuthenticated', message: 'jwt malformed' })
      assert.equal(storage.getItem('feathers-jwt'), null)
    })

    describe('answers every mistake with the words of the original', () => {
      const create = (data) => open(transport, server.url).service('authentication').create(data)
      const noStrategy = 'Invalid authentication information (no `strategy` set)'
      const notAllowed = 'Invalid authentication information (strategy not allowed in authStrategies)'
      const jwtError = { name: 'JsonWebTokenError' }
      const forged = (change) => async () => {
        const { accessToken } = await open(transport, server.url).authenticate(LOGIN)
        return create({ strategy: 'jwt', accessToken: change(accessToken.split('.')).join('.') })
      }
      const cases = {
        'no strategy': [() => create({}), noStrategy],
        'a list': [() => create([]), noStrategy],
        'an unknown strategy': [() => create({ strategy: 'magic' }), notAllowed],
        'a ticket as a login': [() => create({ strategy: 'ticket', ticket: 'x' }), notAllowed],
        'a wrong password': [() => create({ ...LOGIN, password: 'wrong' }), 'Invalid login'],
        'no password': [() => create({ strategy: 'local', email: LOGIN.email }), 'Invalid login'],
        'a password that is no text': [() => create({ ...LOGIN, password: { $ne: null } }), 'Invalid login'],
        'a name that is no text': [() => create({ ...LOGIN, email: { $ne: null } }), 'Invalid login'],
        'an unknown user': [() => create({ ...LOGIN, email: 'nobody@feathersjs.com' }), 'Invalid login'],
        'no user': [() => create({ strategy: 'local', password: 'x' }), 'Invalid login'],
        'no token': [() => create({ strategy: 'jwt' }), 'No access token'],
        'garbage': [() => create({ strategy: 'jwt', accessToken: 'garbage' }), 'jwt malformed', jwtError],
        'another signature': [forged(([h, p]) => [h, p, 'AAAA']), 'invalid signature', jwtError],
        'another payload': [
          forged(([h, , s]) => [h, Buffer.from('{"sub":"0"}').toString('base64url'), s]),
          'invalid signature', jwtError
        ]
      }
      for (const [name, [run, message, data]] of Object.entries(cases)) {
        it(name, () =>
          assert.rejects(run(), (error) => {
            assert.deepEqual([error.name, error.code, error.message], ['NotAuthenticated', 401, message])
            if (data) assert.deepEqual(error.data, data)
            return true
          })
        )
      }

      it('get and find', async () => {
        const service = open(transport, server.url).service('authentication')
        await assert.rejects(service.get(1), { code: 405 })
        await assert.rejects(service.find(), { code: 405 })
      })

      it('a logout with another token, and one without a login', async () => {
        const app = open(transport, server.url)
        const service = app.service('authentication')
        await assert.rejects(service.remove(null), { code: 401, message: noStrategy })
        await assert.rejects(service.remove('x'), { code: 401, message: 'Invalid access token' })
        const { accessToken } = await app.authenticate(LOGIN)
        await assert.rejects(service.remove('x'), { code: 401, message: 'Invalid access token' })
        assert.equal((await service.remove(accessToken)).accessToken, accessToken)
      })
    })
  })

  describe(`tokens that expire over ${transport}`, () => {
    let server
    before(async () => {
      server = await start('peer', { env: { JWT_EXPIRES: '1s' } })
    })
    afterEach(() => connected.splice(0).forEach((socket) => socket.close()))
    after(() => server.stop())

    it('are a 401 that says when', async () => {
      const app = open(transport, server.url)
      const { accessToken } = await app.authenticate(LOGIN)
      const { exp } = payloadOf(accessToken)
      await new Promise((resolve) => setTimeout(resolve, exp * 1_000 - Date.now() + 20))
      await assert.rejects(
        open(transport, server.url).service('authentication').create({ strategy: 'jwt', accessToken }),
        (error) => {
          assert.deepEqual([error.code, error.message], [401, 'jwt expired'])
          const expiredAt = new Date(exp * 1_000).toISOString()
          assert.deepEqual(error.data, { name: 'TokenExpiredError', expiredAt })
          return true
        }
      )
    })

    if (transport === 'rest') return
    it('end the connection, which does not come back by itself', async () => {
      const app = open(transport, server.url)
      const { accessToken } = await app.authenticate(LOGIN)
      const reason = await once((done) => app.io.once('disconnect', done), 'the disconnect')
      assert.equal(reason, 'io server disconnect')
      assert.ok(Date.now() >= payloadOf(accessToken).exp * 1_000 - 5)
      assert.equal(app.io.active, false)
    })
  })

  if (transport === 'rest') continue
  describe(`sockets over ${transport}`, () => {
    let server
    before(async () => {
      server = await start('peer')
    })
    afterEach(() => connected.splice(0).forEach((socket) => socket.close()))
    after(() => server.stop())

    it('are logged in at once by the token of the handshake', async () => {
      const { accessToken } = await open('rest', server.url).authenticate(LOGIN)
      const app = open(transport, server.url, new Store(), { extraHeaders: { Authorization: `Bearer ${accessToken}` } })
      assert.equal((await app.service('dummy').find()).user.email, LOGIN.email)
    })

    it('are refused with a bad one, with the reason', async () => {
      const app = open(transport, server.url, new Store(), { extraHeaders: { Authorization: 'Bearer nonsense' } })
      const error = await once((done) => app.io.once('connect_error', done), 'the refusal')
      assert.equal(error.message, 'jwt malformed')
      assert.deepEqual(error.data, { name: 'JsonWebTokenError' })
    })

    it('take no notice of other schemes', async () => {
      const app = open(transport, server.url, new Store(), { extraHeaders: { Authorization: 'Basic abc' } })
      await once((done) => app.io.once('connect', done), 'the connection')
      await assert.rejects(app.service('dummy').find(), { code: 401 })
    })

    /** Makes some news, whose events only logged-in clients get, and returns the texts. */
    async function news(count) {
      const service = open('rest', server.url).service('news')
      const texts = Array.from({ length: count }, () => `news ${(said += 1)}`)
      for (const text of texts) await service.create({ text })
      return texts
    }
    let said = 0

    /** Collects the news that an app gets, and the notices of the transport. */
    function listen(app) {
      const heard = { texts: [], notices: [], cursor: undefined }
      app.service('news').on('created', ({ text }) => heard.texts.push(text))
      app.io.on('news created', (_, cursor) => (heard.cursor = cursor))
      for (const name of ['resumed', 'reset']) app.io.on(name, (notice) => heard.notices.push([name, notice.reason]))
      return heard
    }

    it('miss nothing of the channels of their login when they are dropped, time and again', async () => {
      const app = open(transport, server.url)
      const heard = listen(app)
      await app.authenticate(LOGIN)
      const expected = await news(3)
      await until(() => heard.texts.length === expected.length)
      for (let time = 0; time < 5; time += 1) {
        const again = once((done) => app.once('login', done), 'the next login')
        app.io.io.engine.close()
        expected.push(...(await news(20)))
        await again
        expected.push(...(await news(1)))
        await until(() => heard.texts.length >= expected.length)
      }
      assert.deepEqual(heard.texts, expected)
      assert.deepEqual(heard.notices, Array(5).fill(['resumed', undefined]))
    })

    it('get the replay after the login when the server does not know them any more', async () => {
      const app = open(transport, server.url)
      const heard = listen(app)
      await app.authenticate(LOGIN)
      await news(1)
      await until(() => heard.cursor !== undefined)
      app.io.close()
      const missed = await news(10)

      const back = open(transport, server.url, app.get('storage'), { auth: { since: heard.cursor } })
      const later = listen(back)
      await back.reAuthenticate()
      await until(() => later.texts.length >= missed.length && later.notices.length > 0)
      assert.deepEqual(later.texts, missed)
      assert.deepEqual(later.notices, [['resumed', undefined]])
    })

    it('get a reset when they log in too late for that', async () => {
      const app = open(transport, server.url)
      const heard = listen(app)
      await app.authenticate(LOGIN)
      await news(1)
      await until(() => heard.cursor !== undefined)
      app.io.close()
      await news(2)

      const back = open(transport, server.url, app.get('storage'), { auth: { since: heard.cursor } })
      const later = listen(back)
      // A call that is no login shows that none will follow.
      await back.service('todos').find()
      await until(() => later.notices.length === 1)
      await back.reAuthenticate()
      await until(() => later.notices.length === 2)
      assert.deepEqual(later.notices, [['resumed', undefined], ['reset', 'principal']])
      const [next] = await news(1)
      await until(() => later.texts.length > 0)
      assert.deepEqual(later.texts, [next])
    })

    it('log in again by themselves after they were dropped', async () => {
      const app = open(transport, server.url)
      await app.authenticate(LOGIN)
      const again = once((done) => app.on('login', done), 'the next login')
      app.io.io.engine.close()
      await again
      assert.equal((await app.service('dummy').find()).auth, true)
    })
  })
}
