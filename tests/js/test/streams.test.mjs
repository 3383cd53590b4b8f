// Server-sent events for the readers that Node has, and T12: dropping the answer of a poll after the server has written
// it loses nothing.
import assert from 'node:assert/strict'
import { numbers, publish } from '../lib/events.mjs'
import { random, startProxy } from '../lib/proxy.mjs'
import { readers, resuming } from '../lib/readers.mjs'
import { start } from '../lib/server.mjs'

describe('server-sent events in Node', function () {
  this.timeout(30_000)
  let server, proxy, reader
  before(async () => {
    server = await start('peer', { env: { PING_MS: '200' } })
    proxy = await startProxy(server.url)
  })
  afterEach(() => reader?.close())
  after(async () => {
    await proxy?.close()
    await server?.stop()
  })

  for (const [name, open] of Object.entries(readers)) {
    it(`${name} gets all events in order, whatever their text`, async () => {
      reader = await open(server.url)
      await publish(server, numbers(0, 300), { text: 'a\r\nid: evil\n\ndata: {}\u2028 ä 🦀' })
      await reader.last(299)
      assert.deepEqual([reader.numbers, reader.resets, reader.errors], [numbers(0, 300), [], []])
    })
  }

  it('the client of Feathers 6 passes heartbeats over', async () => {
    reader = await readers['the client of Feathers 6'](server.url)
    const native = await readers['npm eventsource'](server.url)
    await publish(server, [0])
    // They come to both of them.
    await native.until(({ heartbeats }) => heartbeats >= 3, 'heartbeats')
    native.close()
    await publish(server, [1])
    await reader.last(1)
    assert.deepEqual([reader.numbers, reader.errors], [[0, 1], []])
  })

  for (const name of resuming) {
    it(`${name} comes back by itself and has missed nothing`, async () => {
      reader = await readers[name](proxy.url)
      await publish(server, numbers(0, 10))
      await reader.last(9)
      for (const from of [10, 20]) {
        proxy.cut()
        await publish(server, numbers(from, from + 10))
        await reader.last(from + 9)
      }
      assert.deepEqual([reader.numbers, reader.resets, reader.opened], [numbers(0, 30), [], 3])
    })
  }
})

describe('T12: polls whose answers are dropped', function () {
  this.timeout(30_000)
  let server, proxy
  before(async () => { server = await start('peer') })
  beforeEach(async () => { proxy = await startProxy(server.url, { seed: Number(process.env.SEED ?? 1) }) })
  afterEach(() => proxy?.close())
  after(() => server?.stop())

  async function poll({ connectionToken, ...query } = {}) {
    const headers = connectionToken ? { 'X-Connection-Token': connectionToken } : {}
    const response = await fetch(`${proxy.url}/realtime?${new URLSearchParams(query)}`, { headers })
    assert.equal(response.status, 200)
    return response.json()
  }

  const heard = ({ events }) => events.map(({ data }) => data.n)
  const ids = ({ events }) => events.map(({ id }) => id)

  for (const [kind, wait] of [['long', '20'], ['short', '0']]) {
    it(`a ${kind} poll that is repeated with the old cursor gets the same ids`, async () => {
      const { cursor: since, connectionToken } = await poll()
      const query = { since, connectionToken, wait }
      await publish(server, numbers(0, 5))
      proxy.faults.drop = 1
      await assert.rejects(poll(query))
      await assert.rejects(poll(query))
      assert.equal(proxy.counts.dropped, 2)
      proxy.faults.drop = 0
      const [again, more] = [await poll(query), await poll(query)]
      assert.deepEqual(heard(again), numbers(0, 5))
      assert.equal(new Set(ids(again)).size, 5)
      assert.deepEqual([ids(more), more.cursor], [ids(again), again.cursor])
      assert.equal(ids(again).at(-1), again.cursor)
    })

    it(`nothing is lost or doubled where three answers of ten to ${kind} polls are dropped`, async () => {
      const EVENTS = 200
      let { cursor: since, connectionToken } = await poll()
      proxy.faults.drop = 0.3
      const next = random(7)
      const got = []
      for (let published = 0; got.length < EVENTS;) {
        if (published < EVENTS && (wait !== '0' || next() < 0.5)) {
          const count = Math.min(EVENTS - published, 1 + Math.floor(next() * 3))
          await publish(server, numbers(published, published + count))
          published += count
        }
        const answer = await poll({ since, connectionToken, wait }).catch(() => undefined)
        if (!answer) continue
        assert.equal(answer.reset, undefined)
        got.push(...heard(answer))
        ;({ cursor: since, connectionToken } = answer)
      }
      assert.deepEqual(got, numbers(0, EVENTS))
      assert.ok(proxy.counts.dropped > 10, `${proxy.counts.dropped} dropped`)
    })
  }

  it('a long poll whose answer is dropped while it waits gets the same event again', async () => {
    const { cursor: since, connectionToken } = await poll()
    proxy.faults.drop = 1
    const lost = assert.rejects(poll({ since, connectionToken, wait: '20' }))
    await publish(server, [0])
    await lost
    assert.equal(proxy.counts.dropped, 1)
    proxy.faults.drop = 0
    assert.deepEqual(heard(await poll({ since, connectionToken, wait: '20' })), [0])
  })
})
