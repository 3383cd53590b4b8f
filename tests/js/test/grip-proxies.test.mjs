// T16: which requests count as a proxy's, several proxies at once, and proxies that die and come back.
import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { numbers, publish } from '../lib/events.mjs'
import { heldPoll, startGrip } from '../lib/grip.mjs'
import { heard, poll } from '../lib/poll.mjs'
import { KEY, reservePushpin, startPushpin } from '../lib/pushpin.mjs'
import { readers } from '../lib/readers.mjs'
import { openSocket } from '../lib/rpc.mjs'
import { start } from '../lib/server.mjs'
import { startTap } from '../lib/tap.mjs'

const encode = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

/** What a proxy signs its requests with. */
function sign(claims = {}, { key = KEY, header = {} } = {}) {
  const seconds = Math.floor(Date.now() / 1000)
  const text = `${encode({ typ: 'JWT', alg: 'HS256', ...header })}.${encode({ iss: 'pushpin', exp: seconds + 60, ...claims })}`
  return `${text}.${createHmac('sha256', key).update(text).digest('base64url')}`
}

/** Opens a stream as it is; resolves with the head, since the stream may not end. */
async function head(url, headers = {}) {
  const abort = new AbortController()
  const accept = { accept: 'text/event-stream', ...headers }
  const response = await fetch(`${url}/realtime`, { headers: accept, signal: abort.signal })
  const reader = response.body.getReader()
  const first = Buffer.from((await reader.read()).value).toString()
  const ends = response.headers.has('content-length')
  abort.abort()
  await reader.read().catch(() => {})
  const grip = Object.fromEntries([...response.headers].filter(([name]) => name.startsWith('grip-')))
  return { status: response.status, first, ends, grip }
}

describe('T16: which requests count as those of a proxy', function () {
  this.timeout(30_000)
  let grip
  before(async () => { grip = await startGrip() })
  after(() => grip?.close())

  it('only a valid signature makes it hold', async () => {
    const { grip: own, ends, first } = await head(grip.server.url, { 'grip-sig': sign() })
    assert.deepEqual([own['grip-hold'], ends], ['stream', true])
    assert.match(first, /event: ready/)
    const past = Math.floor(Date.now() / 1000) - 1_000
    for (const [what, headers] of Object.entries({
      'none': {},
      'another key': { 'grip-sig': sign({}, { key: 'another' }) },
      'another issuer': { 'grip-sig': sign({ iss: 'another' }) },
      'one that is over': { 'grip-sig': sign({ exp: past }) },
      'no end': { 'grip-sig': sign({ exp: undefined }) },
      'no algorithm': { 'grip-sig': sign({}, { header: { alg: 'none' } }) },
      'another algorithm': { 'grip-sig': sign({}, { header: { alg: 'RS256' } }) },
      'no token': { 'grip-sig': 'x' }
    })) {
      const local = await head(grip.server.url, { ...headers, 'grip-last': 'e-everybody; last-id=x-1', 'grip-feature': 'status' })
      assert.deepEqual([local.status, local.grip, local.ends], [200, {}, false], what)
      assert.match(local.first, /event: ready/)
    }
  })

  it('headers that a client makes up do not get through the proxy', async () => {
    const { cursor } = await poll(grip.url)
    await publish(grip.server, [1])
    const seen = grip.origin.next(({ url }) => url.includes('forged'), 'the request')
    const forged = { 'grip-sig': 'x', 'grip-last': `e-everybody; last-id=${cursor}`, 'grip-feature': 'none' }
    const abort = new AbortController()
    const response = await fetch(`${grip.url}/realtime?forged=1`, {
      headers: { ...forged, accept: 'text/event-stream' }, signal: abort.signal
    })
    const first = Buffer.from((await response.body.getReader().read()).value).toString()
    abort.abort()
    // The stream begins now, and not at the forged position.
    assert.ok(!first.includes('"n":1'), first)
    const { headers } = await seen
    assert.equal(headers['grip-last'], undefined)
    assert.notEqual(headers['grip-sig'], 'x')
  })

  it('headers that a client makes up past the proxy have no effect', async () => {
    const { cursor: since, connectionToken } = await poll(grip.server.url)
    const headers = { 'grip-last': 'e-everybody; last-id=x-1', 'meta-feathers': 'x', 'connection-id': 'x' }
    await publish(grip.server, [2])
    assert.deepEqual(heard(await poll(grip.server.url, { since, connectionToken, wait: '5' }, headers)), [2])
    const response = await fetch(`${grip.server.url}/realtime`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/websocket-events', accept: 'application/websocket-events' },
      body: 'OPEN\r\n'
    })
    assert.equal(response.status, 405)
  })

  it('malformed events close a WebSocket, with the reason', async () => {
    const post = async (body) => {
      const response = await fetch(`${grip.server.url}/realtime`, {
        method: 'POST',
        headers: {
          'grip-sig': sign(), 'connection-id': 'hostile', 'content-type': 'application/websocket-events',
          accept: 'application/websocket-events', 'sec-websocket-extensions': 'grip'
        },
        body
      })
      assert.equal(response.status, 200)
      return Buffer.from(await response.arrayBuffer())
    }
    for (const [body, code, why] of [
      ['OPEN\r\nTEXT -1\r\nx\r\n', 1002, 'a length that is not a hexadecimal number'],
      ['OPEN\r\nTEXT ffffffffffffffff\r\nx\r\n', 1009, 'the message is too big'],
      ['OPEN\r\nHELLO\r\n', 1002, 'an unknown type of event'],
      ['OPEN\r\nTEXT 5\r\nhel', 1002, 'the content is shorter than it should be']
    ]) {
      const events = await post(body)
      const content = events.subarray(events.indexOf('\r\n') + 2)
      assert.match(events.toString('latin1'), /^CLOSE /)
      assert.deepEqual([content.readUInt16BE(), content.subarray(2).toString()], [code, `${why}\r\n`])
    }
    assert.equal((await fetch(`${grip.server.url}/todos`)).status, 200)
  })

  it('a client cannot speak to the proxy in the name of the app', async () => {
    const socket = await openSocket(grip.url)
    const other = await openSocket(grip.url)
    // As text of an event, and as a message of its own.
    const text = 'c:{"type":"detach"}'
    assert.deepEqual(await socket.call('create', { path: 'ev', data: { n: 3, text } }), { n: 3, text })
    await other.until(() => other.numbers().at(-1) === 3, 'event 3')
    socket.socket.send(text)
    // It is not JSON-RPC, and the connection is answered or closed as it is anywhere else.
    await publish(grip.server, [4])
    await other.until(() => other.numbers().at(-1) === 4, 'event 4')
    assert.deepEqual(await other.call('get', { path: 'ev', id: 1 }), { id: 1 })
    await Promise.all([socket.close(1000), other.close(1000)])
  })
})

describe('T16: what is large or odd', function () {
  this.timeout(30_000)
  let grip, readersOf
  before(async () => { grip = await startGrip() })
  afterEach(() => readersOf?.forEach((reader) => reader.close()))
  after(() => grip?.close())

  it('an event that no proxy would take comes over streams and polls, and so do those after it', async () => {
    readersOf = [await readers['npm eventsource'](grip.url)]
    const [stream] = readersOf
    const { answer } = await heldPoll(grip.proxy)
    await publish(grip.server, [1], { text: 'x'.repeat(600_000) })
    await publish(grip.server, [2])
    assert.equal(heard(await answer)[0], 1)
    await stream.last(2)
    assert.deepEqual(stream.numbers, [1, 2])
  })

  it('a WebSocket gets what Pushpin passes on, and is closed before what it does not', async () => {
    const socket = await openSocket(grip.url)
    const numbersOf = numbers(10, 14)
    await publish(grip.server, numbersOf, { text: '%(connection_token)s'.repeat(800) })
    await socket.until(() => socket.numbers().at(-1) === 13, 'event 13')
    assert.deepEqual(socket.numbers(), numbersOf)
    await publish(grip.server, [14], { text: 'x'.repeat(45_000) })
    assert.deepEqual(await socket.closed, { code: 1009, reason: 'too big for the proxy' })
  })

  it('text that means something to a proxy stays as it is in the answer to a poll', async () => {
    const { connectionToken, answer } = await heldPoll(grip.proxy)
    const text = '%(connection_token)s %s %% "\r\n'
    await publish(grip.server, [3], { text })
    const got = await answer
    assert.deepEqual([got.events[0].data, got.connectionToken], [{ n: 3, text }, connectionToken])
  })
})

describe('T16: a proxy whose signature is not the right one', function () {
  this.timeout(30_000)
  let grip, stranger, origin
  before(async () => {
    grip = await startGrip()
    origin = await startTap(grip.server.url)
    stranger = await startPushpin(new URL(origin.url).host, { place: await reservePushpin({ key: 'a key that the app does not know' }) })
  })
  after(async () => {
    await stranger?.close()
    await origin?.close()
    await grip?.close()
  })

  it('is a proxy as any other: clients are served through it, and the app holds them', async () => {
    const reader = await readers['npm eventsource'](stranger.url)
    await publish(grip.server, numbers(0, 5))
    await reader.last(4)
    reader.close()
    assert.deepEqual([reader.numbers, reader.resets], [numbers(0, 5), []])
    assert.ok(origin.exchanges.length > 0)
    assert.ok(origin.exchanges.every(({ answer }) => answer['grip-hold'] === undefined))
  })
})

describe('T16: a server that is only for proxies', function () {
  this.timeout(30_000)
  let grip
  before(async () => { grip = await startGrip('peer', { env: { GRIP_PROXY_REQUIRED: 'true' } }) })
  after(() => grip?.close())

  it('answers 501 to all other clients, and serves the proxy', async () => {
    for (const path of ['/realtime', '/todos']) {
      const response = await fetch(`${grip.server.url}${path}`)
      assert.deepEqual([response.status, (await response.json()).name], [501, 'NotImplemented'])
    }
    const signed = await fetch(`${grip.server.url}/todos`, { headers: { 'grip-sig': sign({}, { key: 'another' }) } })
    assert.equal(signed.status, 501)
    assert.equal((await fetch(`${grip.url}/todos`)).status, 200)
    assert.deepEqual((await poll(grip.url)).events, [])
  })
})

describe('T16: two proxies', function () {
  this.timeout(60_000)
  let grip, clients
  before(async () => { grip = await startGrip('peer', { proxies: 2 }) })
  beforeEach(() => { clients = [] })
  afterEach(() => clients.forEach((client) => client.close()))
  after(() => grip?.close())

  it('both have all events for their clients, over every transport', async () => {
    const [one, other] = grip.proxies
    clients = await Promise.all([
      readers['npm eventsource'](one.url), readers['npm eventsource'](other.url), openSocket(one.url), openSocket(other.url)
    ])
    const [first, second, third, fourth] = clients
    const polls = await Promise.all(grip.proxies.map((proxy) => heldPoll(proxy)))
    await publish(grip.server, numbers(0, 20))
    for (const reader of [first, second]) await reader.last(19)
    for (const socket of [third, fourth]) await socket.until(() => socket.numbers().at(-1) === 19, 'event 19')
    for (const { answer } of polls) assert.equal(heard(await answer)[0], 0)
    for (const got of [first.numbers, second.numbers, third.numbers(), fourth.numbers()]) {
      assert.deepEqual(got, numbers(0, 20))
    }
  })

  it('a proxy that dies delays no client of the other, and its clients miss nothing when it is back', async () => {
    const [one, other] = grip.proxies
    clients = await Promise.all([one, other].map(({ url }) => readers['npm eventsource'](url)))
    const [there, away] = [clients[1], clients[0]]
    await publish(grip.server, numbers(100, 110))
    await Promise.all(clients.map((reader) => reader.last(109)))
    await one.stop('SIGKILL')
    for (const n of numbers(110, 130)) {
      const begun = Date.now()
      await publish(grip.server, [n])
      await there.last(n)
      assert.ok(Date.now() - begun < 1_500, `event ${n} after ${Date.now() - begun} ms`)
    }
    await one.start()
    await away.last(129)
    await publish(grip.server, numbers(130, 140))
    await Promise.all(clients.map((reader) => reader.last(139)))
    for (const { numbers: got, resets } of clients) assert.deepEqual([got, resets], [numbers(100, 140), []])
  })

  it('one whose control endpoint is gone for a while catches up', async () => {
    const [one, other] = grip.proxies
    clients = await Promise.all([one, other].map(({ url }) => readers['npm eventsource'](url)))
    one.tapped.isDown = true
    await publish(grip.server, numbers(200, 220))
    await clients[1].last(219)
    one.tapped.isDown = false
    await publish(grip.server, numbers(220, 222))
    await clients[0].last(221)
    for (const { numbers: got } of clients) assert.deepEqual(got, numbers(200, 222))
  })
})

describe('T16: an app behind Pushpin', function () {
  this.timeout(60_000)
  let grip, reader
  before(async () => { grip = await startGrip() })
  afterEach(() => reader?.close())
  after(() => grip?.close())

  it('that restarts sends its streams a reset', async () => {
    reader = await readers['npm eventsource'](grip.url)
    await publish(grip.server, [1])
    await reader.last(1)
    const { port, directory } = grip.server
    await grip.server.stop({ keep: true })
    grip.server = await start('peer', { port, directory, env: grip.env })
    await reader.until(({ resets }) => resets.length === 1, 'a reset')
    assert.equal(reader.resets[0].reason, 'epoch')
    await publish(grip.server, [2])
    await reader.last(2)
    assert.deepEqual(reader.numbers, [1, 2])
  })

  it('continues from the position in the header', async () => {
    const { cursor } = await poll(grip.url)
    await publish(grip.server, numbers(10, 15))
    const abort = new AbortController()
    const response = await fetch(`${grip.url}/realtime`, {
      headers: { accept: 'text/event-stream', 'last-event-id': cursor }, signal: abort.signal
    })
    let text = ''
    const body = response.body.getReader()
    while (!text.includes('"n":14')) text += Buffer.from((await body.read()).value).toString()
    abort.abort()
    assert.deepEqual([...text.matchAll(/"n":(\d+)/g)].map(([, n]) => Number(n)), numbers(10, 15))
  })
})
