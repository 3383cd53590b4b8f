// The official client: what crosses the wire with a call, and what does not.
import assert from 'node:assert/strict'
import { restClient, socketClient } from '../lib/clients.mjs'
import { start } from '../lib/server.mjs'

describe('official client, parameters', () => {
  let peer, rest, socket
  before(async () => {
    peer = await start('peer')
    rest = restClient(peer.url)
    socket = await socketClient(peer.url)
  })
  after(async () => {
    socket?.io.close()
    await peer?.stop()
  })

  it('sends the query and nothing else of the params', async () => {
    for (const app of [rest, socket]) {
      const { params } = await app.service('echo').find({ query: { a: 'b' }, provider: 'me', user: { admin: true } })
      assert.deepEqual(params.query, { a: 'b' })
      assert.equal(params.provider, app === rest ? 'rest' : 'socketio')
      assert.equal('user' in params, false)
    }
  })

  it('sends nested queries, as texts over REST and with their types over a socket', async () => {
    const query = { $or: [{ a: { $in: [1, 2] } }, { b: true }] }
    const texts = { $or: [{ a: { $in: ['1', '2'] } }, { b: 'true' }] }
    assert.deepEqual((await rest.service('echo').find({ query })).params.query, texts)
    assert.deepEqual((await socket.service('echo').find({ query })).params.query, query)
    const long = { $or: [{ id: { $in: Array.from({ length: 100 }, (_, n) => String(n)) } }] }
    assert.deepEqual((await rest.service('echo').find({ query: long })).params.query, long)
  })

  it('sends headers, whose names are in lower case on the server', async () => {
    const { params } = await rest.service('echo').find({ headers: { 'X-Custom': 'yes' } })
    assert.ok(params.headers.includes('x-custom'))
    const own = await socketClient(peer.url, { extraHeaders: { 'X-Custom': 'yes' } })
    try {
      assert.ok((await own.service('echo').find()).params.headers.includes('x-custom'))
    } finally {
      own.io.close()
    }
  })

  it('gives up a call that takes longer than its timeout', async () => {
    const hasty = await socketClient(peer.url, { ackTimeout: 100 })
    try {
      await assert.rejects(hasty.service('slow').get('1000'), { message: 'operation has timed out' })
      assert.equal((await hasty.service('slow').get('0')).id, '0')
    } finally {
      hasty.io.close()
    }
  })
})
