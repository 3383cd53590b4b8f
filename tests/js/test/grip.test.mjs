// T16: the realtime endpoint behind the real Pushpin. The proxy holds the connections, the app answers at once, and
// clients see the same as without it.
import assert from 'node:assert/strict'
import { numbers, publish } from '../lib/events.mjs'
import { held, heldPoll, startGrip } from '../lib/grip.mjs'
import { heard, poll } from '../lib/poll.mjs'
import { readers, readFrom } from '../lib/readers.mjs'
import { openSocket } from '../lib/rpc.mjs'
import { until } from '../lib/until.mjs'

const isEvent = (n) => ({ formats }) => JSON.stringify(formats).includes(`\\"n\\":${n}`)

describe('T16: behind Pushpin', function () {
  this.timeout(30_000)
  let grip, reader
  before(async () => { grip = await startGrip() })
  afterEach(() => {
    reader?.close()
    grip.control.lose = () => false
  })
  after(() => grip?.close())

  it('a long poll is held by the proxy and answered by what is published', async () => {
    const { since, connectionToken, exchange, answer } = await heldPoll(grip.proxy)
    assert.match(exchange.answer['grip-channel'], /; *prev-id=/)
    const begun = Date.now()
    await publish(grip.server, [1])
    const got = await answer
    assert.ok(Date.now() - begun < 2_000, `${Date.now() - begun} ms`)
    assert.deepEqual([heard(got), got.more, got.connectionToken], [[1], false, connectionToken])
    // What the app itself answers is the same.
    assert.deepEqual(await poll(grip.server.url, { since, connectionToken, wait: '0' }), { ...got, retryAfterMs: 3000 })
  })

  it('a long poll without events is answered when its time is over', async () => {
    const begun = Date.now()
    const { since, connectionToken, answer } = await heldPoll(grip.proxy, { wait: '5' })
    const got = await answer
    const time = Date.now() - begun
    assert.deepEqual(got, { events: [], cursor: since, more: false, connectionToken })
    assert.ok(time > 4_500 && time < 8_000, `${time} ms`)
  })

  it('a long poll gets an event whose publication is lost', async () => {
    const { answer } = await heldPoll(grip.proxy)
    const lost = grip.control.lost.length
    grip.control.lose = isEvent(2)
    await publish(grip.server, [2])
    await publish(grip.server, [3])
    assert.deepEqual(heard(await answer), [2, 3])
    assert.equal(grip.control.lost.length, lost + 1)
  })

  it('a stream replays, continues live, and repairs a gap', async () => {
    const { cursor: since } = await poll(grip.url)
    await publish(grip.server, numbers(10, 13))
    const isHeld = grip.origin.next(held('stream'), 'a hold')
    reader = await readFrom(grip.url, since)
    assert.match((await isHeld).answer['grip-link'], /; *rel=next/)
    await reader.last(12)
    await publish(grip.server, [13])
    await reader.last(13)
    grip.control.lose = isEvent(14)
    await publish(grip.server, [14])
    await publish(grip.server, [15])
    await reader.last(15)
    assert.deepEqual([reader.numbers, reader.opened], [numbers(10, 16), 1])
  })

  it('a stream that has missed much ends, comes back by itself, and has it all', async () => {
    reader = await readers['npm eventsource'](grip.url)
    grip.control.lose = () => true
    await publish(grip.server, numbers(300, 340), { text: 'x'.repeat(500) })
    await until(() => grip.control.lost.some(isEvent(339)))
    grip.control.lose = () => false
    await publish(grip.server, [340])
    await reader.last(340)
    assert.deepEqual([reader.numbers, reader.opened, reader.resets], [numbers(300, 341), 2, []])
  })

  it('a WebSocket has its calls answered, and gets what is published', async () => {
    reader = await openSocket(grip.url)
    assert.match(reader.hello.connectionToken, /^\w+$/)
    assert.deepEqual(await reader.call('get', { path: 'ev', id: 7 }), { id: 7 })
    await assert.rejects(reader.call('get', { path: 'nothing', id: 7 }), { code: 404 })
    await publish(grip.server, [20])
    await reader.until(() => reader.numbers().at(-1) === 20, 'event 20')
    assert.deepEqual(await reader.call('create', { path: 'ev', data: { n: 21 } }), { n: 21 })
    await reader.until(() => reader.numbers().at(-1) === 21, 'event 21')
    assert.deepEqual(reader.numbers(), [20, 21])
    assert.equal((await reader.close(4001)).code, 4001)
  })

  for (const [name, open] of Object.entries(readers)) {
    it(`${name} gets all events in order`, async () => {
      reader = await open(grip.url)
      await publish(grip.server, numbers(100, 200))
      await reader.last(199)
      assert.deepEqual([reader.numbers, reader.resets, reader.errors], [numbers(100, 200), [], []])
    })
  }
})

describe('T16: behind Pushpin, where events for WebSockets are published', function () {
  this.timeout(30_000)
  let grip, sockets
  before(async () => { grip = await startGrip('peer', { env: { GRIP_FAN_OUT: 'true' } }) })
  afterEach(() => sockets?.forEach((socket) => socket.close()))
  after(() => grip?.close())

  it('an event is one item, and comes to every socket once its position is known', async () => {
    sockets = await Promise.all(numbers(0, 5).map(() => openSocket(grip.url)))
    await publish(grip.server, [0])
    await Promise.all(sockets.map((socket) => socket.until(() => socket.numbers().length === 1, 'event 0')))
    for (const n of numbers(1, 20)) {
      await publish(grip.server, [n])
      await Promise.all(sockets.map((socket) => socket.until(() => socket.numbers().at(-1) === n, `event ${n}`)))
    }
    // The same event may come twice where the way changes, with the same cursor.
    const once = (socket) => [...new Map(socket.events.map((event) => [event.cursor, event.data.n])).values()]
    for (const socket of sockets) assert.deepEqual(once(socket), numbers(0, 20))
    assert.equal(grip.control.published.filter(isEvent(19)).length, 1)
    assert.deepEqual(await sockets[0].call('get', { path: 'ev', id: 1 }), { id: 1 })
  })
})
