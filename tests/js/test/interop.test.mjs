// A FeathersJS server and this one with the same secret: each takes the other's tokens, and a user of the former can
// log in here with the hash that the other server has made.
import { strict as assert } from 'node:assert'
import { randomBytes } from 'node:crypto'
import { AuthenticationService, JWTStrategy } from '@feathersjs/authentication'
import { hooks, LocalStrategy } from '@feathersjs/authentication-local'
import { feathers } from '@feathersjs/feathers'
import { memory } from '@feathersjs/memory'
import { restClient } from '../lib/clients.mjs'
import { start } from '../lib/server.mjs'

const USER = { email: 'hello@feathersjs.com', password: 'supersecret' }

/** A FeathersJS app in this process, with the same user as the peer. */
async function original(secret) {
  const app = feathers()
  app.set('authentication', {
    entity: 'user',
    service: 'users',
    secret,
    authStrategies: ['local', 'jwt'],
    jwtOptions: {
      header: { typ: 'access' }, audience: 'https://yourdomain.com', algorithm: 'HS256', expiresIn: '1d'
    },
    local: { usernameField: 'email', passwordField: 'password' }
  })
  const authentication = new AuthenticationService(app)
  authentication.register('jwt', new JWTStrategy())
  authentication.register('local', new LocalStrategy())
  app.use('authentication', authentication)
  app.use('users', memory())
  app.service('users').hooks({ before: { create: [hooks.hashPassword('password')] } })
  await app.setup()
  await app.service('users').create(USER)
  return app
}

describe('beside a FeathersJS server with the same secret', () => {
  const secret = randomBytes(24).toString('hex')
  let peer, there, here
  before(async () => {
    there = await original(secret)
    peer = await start('peer', { env: { FEATHERS_SECRET: secret } })
    here = restClient(peer.url).service('authentication')
  })
  after(() => peer?.stop())

  it('its tokens are valid here', async () => {
    const { accessToken } = await there.service('authentication').create({ strategy: 'local', ...USER })
    const result = await here.create({ strategy: 'jwt', accessToken })
    assert.equal(result.user.email, USER.email)
  })

  it('the tokens made here are valid there', async () => {
    const { accessToken } = await here.create({ strategy: 'local', ...USER })
    const result = await there.service('authentication').create({ strategy: 'jwt', accessToken })
    assert.equal(result.user.email, USER.email)
  })

  it('tokens of a server with another secret are not', async () => {
    const stranger = await original(randomBytes(24).toString('hex'))
    const { accessToken } = await stranger.service('authentication').create({ strategy: 'local', ...USER })
    await assert.rejects(here.create({ strategy: 'jwt', accessToken }), { code: 401, message: 'invalid signature' })
  })

  it('a user of that server logs in here with the password, and gets a newer hash', async () => {
    const { password } = await there.service('users').get(0)
    assert.match(password, /^\$2b\$10\$/)
    const users = restClient(peer.url).service('users')
    const moved = await users.create({ email: 'moved@feathersjs.com', password }, { query: { hashed: true } })
    const login = { strategy: 'local', email: 'moved@feathersjs.com', password: USER.password }
    for (let time = 0; time < 2; time += 1) {
      const result = await here.create(login)
      assert.deepEqual(result.user, { id: moved.id, email: 'moved@feathersjs.com' })
    }
    await assert.rejects(here.create({ ...login, password: 'wrong' }), { message: 'Invalid login' })
    const { scheme } = await users.get(moved.id, { query: { scheme: true } })
    assert.equal(scheme, '$argon2id')
  })
})
