// The client of `client/` behind a proxy with faults: whatever the network does, the same list of events arrives, each
// once and in order, or a `reset` says that it may not have.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { random, startProxy } from '../lib/proxy.mjs'
import { once, start } from '../lib/server.mjs'

const folder = new URL('../../../client/', import.meta.url)
const require = createRequire(new URL('package.json', folder))
const { feathers } = require('@feathersjs/feathers')
const { WebSocket } = require('ws')
const { Disconnected, realtime, systemClock } = await import(new URL('dist/index.js', folder))

const ALL = ['websocket', 'sse', 'longpoll', 'poll']
const SEED = Number(process.env.SEED ?? 1)
/** How long the proxy leaves a quiet connection open, in milliseconds. */
const IDLE = process.env.LONG === '1' ? 10_000 : 2_200
const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']

/** A client that writes down what it gets. */
class Reader {
  texts = []
  resets = []
  #waiting = []

  constructor(url, options = {}) {
    // Short waits, so that the tests are short.
    const clock = { ...systemClock, random: () => Math.random() / 10 }
    this.remote = realtime(url, { WebSocket, openTimeout: 1_000, grace: 2_000, stableAfter: 50, clock, ...options })
    this.app = feathers().configure(this.remote)
    this.realtime = this.app.realtime
    this.todos = this.app.service('todos')
    this.todos.on('created', ({ text }) => {
      this.texts.push(text)
      this.#waiting = this.#waiting.filter(({ last, done }) => last !== text || done())
    })
    this.realtime.on('reset', (reset) => this.resets.push(reset))
  }

  async connected() {
    if (this.realtime.state !== 'connected') await this.next('connect')
    return this
  }

  next(event, timeout) {
    return once((done) => this.realtime.once(event, done), `'${event}' of ${this.realtime.transports}`, timeout)
  }

  until(last) {
    if (this.texts.includes(last)) return undefined
    return once((done) => this.#waiting.push({ last, done }), `${last} of ${this.realtime.transports}`, 25_000)
  }

  close() {
    this.realtime.close()
  }
}

/** Writes past the proxy, straight to the server. */
async function publish(server, text) {
  const response = await fetch(`${server.url}/todos`, {
    method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ text })
  })
  assert.equal(response.status, 201, await response.text())
}

const numbered = (count, name = 'todo') => Array.from({ length: count }, (_, number) => `${name} ${number}`)

describe('the fallback client in Node', function () {
  this.timeout(60_000)
  let server, proxy, readers
  beforeEach(() => { readers = [] })
  afterEach(async () => {
    for (const reader of readers) reader.close()
    await proxy?.close()
    await server?.stop()
  })

  async function setUp(faults) {
    server = await start('peer')
    proxy = await startProxy(server.url, { seed: SEED, ...faults })
  }

  async function read(transports, options) {
    const reader = new Reader(proxy.url, { ...(transports && { transports }), ...options })
    readers.push(reader)
    return reader.connected()
  }

  const readEach = (names = ALL) => Promise.all(names.map((name) => read([name])))

  /** All texts arrive at every reader, each once and in order. */
  async function arrive(texts) {
    await Promise.all(readers.map((reader) => reader.until(texts.at(-1))))
    for (const reader of readers) {
      assert.deepEqual(reader.texts, texts, `${reader.realtime.transports}`)
      assert.deepEqual(reader.resets, [])
    }
  }

  it('takes a WebSocket where nothing is in the way', async () => {
    await setUp()
    const reader = await read()
    assert.equal(reader.realtime.transport, 'websocket')
    const texts = numbered(50)
    for (const text of texts) await reader.todos.create({ text })
    await arrive(texts)
  })

  it('(a) takes server-sent events where the upgrade is refused', async () => {
    await setUp({ refuseUpgrade: true })
    const reader = await read()
    assert.equal(reader.realtime.transport, 'sse')
    assert.ok(proxy.counts.refused > 0)
    const texts = numbered(50)
    for (const text of texts) await reader.todos.create({ text })
    await arrive(texts)
  })

  it('(b) takes long polling where streams are held back as well', async () => {
    await setUp({ refuseUpgrade: true, bufferStreams: true })
    const reader = await read()
    assert.equal(reader.realtime.transport, 'longpoll')
    assert.equal(proxy.counts.buffered, 1)
    const texts = numbered(50)
    for (const text of texts) await reader.todos.create({ text })
    await arrive(texts)
  })

  it('(c) misses nothing where quiet connections are cut', async () => {
    await setUp({ idle: IDLE })
    await readEach()
    const quiet = readers.slice(0, 2)
    const texts = numbered(3)
    await publish(server, texts[0])
    for (const text of texts.slice(1)) {
      await Promise.all(quiet.map((reader) => reader.next('disconnect', 4 * IDLE)))
      await publish(server, text)
      await Promise.all(quiet.map((reader) => reader.until(text)))
    }
    await arrive(texts)
    assert.ok(proxy.counts.cut >= 4, `${proxy.counts.cut} cuts`)
  })

  it('(c) learns how long quiet connections live, and keeps a WebSocket', async () => {
    await setUp({ idle: IDLE })
    const reader = await read(['websocket'])
    await reader.next('disconnect', 4 * IDLE)
    await reader.next('disconnect', 4 * IDLE)
    await reader.connected()
    const cuts = proxy.counts.cut
    await assert.rejects(reader.next('disconnect', 2 * IDLE), /timed out/)
    assert.equal(proxy.counts.cut, cuts)
  })

  it('(d) misses nothing where one answer in ten is dropped', async () => {
    await setUp({ drop: 0.1 })
    const [, polling] = await readEach(ALL.slice(1))
    const texts = numbered(300)
    for (const [number, text] of texts.entries()) {
      await publish(server, text)
      // So that there are many answers.
      if (number % 3 === 0) await polling.until(text)
    }
    await arrive(texts)
    assert.ok(proxy.counts.dropped >= 5, `${proxy.counts.dropped} of ${proxy.counts.passed} dropped`)
  })

  it('(d) says of a call whose answer is dropped that it may have been executed', async () => {
    await setUp()
    const reader = await read(['sse'])
    proxy.faults.drop = 1
    const error = await reader.todos.create({ text: 'once' }).catch((error) => error)
    assert.ok(error instanceof Disconnected, error)
    assert.equal(error.maybeExecuted, true)
    await arrive(['once'])
  })

  it('(e) resets when the server restarts, and continues', async () => {
    await setUp()
    await readEach()
    const [before, after] = [numbered(20, 'before'), numbered(20, 'after')]
    for (const text of before) await publish(server, text)
    await arrive(before)
    const resets = readers.map((reader) => reader.next('reset', 30_000))
    await server.stop({ signal: 'SIGKILL' })
    server = await start('peer', { port: server.port })
    for (const reset of await Promise.all(resets)) assert.equal(reset.reason, 'epoch')
    for (const text of after) await publish(server, text)
    await Promise.all(readers.map((reader) => reader.until(after.at(-1))))
    for (const reader of readers) {
      assert.deepEqual(reader.texts, [...before, ...after], `${reader.realtime.transports}`)
      assert.equal(reader.resets.length, 1)
    }
  })

  it('misses nothing where connections are cut again and again', async () => {
    await setUp()
    const [socket, stream, polling] = await readEach()
    let back = 0
    for (const reader of [socket, stream]) reader.realtime.on('connect', () => { back += 1 })
    const next = random(SEED)
    const texts = numbered(300)
    for (const text of texts) {
      await publish(server, text)
      if (next() < 0.05) proxy.cut()
      if (next() < 0.1) await Promise.all([socket, stream, polling].map((reader) => reader.until(text)))
    }
    await arrive(texts)
    assert.ok(back >= 10, `${back} reconnects`)
  })

  it('rejects calls that are under way when the connection is lost', async () => {
    await setUp()
    const reader = await read(['websocket'])
    const call = reader.app.service('slow').get(5_000)
    call.catch(() => {})
    // The answer to the next call says that the server has the first one.
    await reader.todos.find()
    proxy.cut()
    const error = await call.catch((error) => error)
    assert.ok(error instanceof Disconnected, error)
    assert.equal(error.maybeExecuted, true)
  })

  it('changes the transport while events come', async () => {
    await setUp()
    const reader = await read()
    const texts = numbered(200)
    let changes = Promise.resolve()
    for (const [number, text] of texts.entries()) {
      await publish(server, text)
      if (number % 50 === 25) {
        const name = ['sse', 'longpoll', 'poll', 'websocket'][Math.floor(number / 50)]
        changes = changes.then(() => reader.realtime.use(name))
      }
    }
    await changes
    await arrive(texts)
    assert.equal(reader.realtime.transport, 'websocket')
  })

  it('calls as the official clients do, over every transport', async () => {
    await setUp()
    for (const reader of await readEach()) {
      reader.app.use('echo', reader.remote.service('echo'), { methods: ['find', 'custom'] })
      const custom = await reader.app.service('echo').custom({ a: 1 }, { query: { q: 'x' } })
      assert.deepEqual([custom.method, custom.data, custom.params.query], ['custom', { a: 1 }, { q: 'x' }])
      const echoed = await reader.app.service('users/:userId/messages').get('a b/c', { route: { userId: 'u1' } })
      assert.deepEqual([echoed.id, echoed.params.route], ['a b/c', { userId: 'u1' }])
      const error = await reader.app.service('errors').get('bad').catch((error) => error)
      assert.deepEqual([error.name, error.code, error.className], ['BadRequest', 400, 'bad-request'])
    }
  })
})

describe('the fallback client in a browser', function () {
  this.timeout(60_000)
  let server, proxy, browser
  before(async () => {
    server = await start('peer')
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, headless: true
    })
  })
  afterEach(() => proxy?.close())
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  /** Opens a page with the script of `client/`, creates todos there, and returns the events that the page got. */
  async function inPage(faults) {
    proxy = await startProxy(server.url, faults)
    const page = await browser.newPage()
    await page.goto(`${proxy.url}/realtime/negotiate`)
    await page.addScriptTag({ path: fileURLToPath(new URL('dist/realtime.min.js', folder)) })
    const result = await page.evaluate(async () => {
      const { feathers, realtime } = globalThis.FeathersRealtime
      const app = feathers().configure(realtime('', { openTimeout: 1_000 }))
      const todos = app.service('todos')
      const texts = []
      const last = new Promise((resolve) => {
        todos.on('created', ({ text }) => {
          texts.push(text)
          if (text === 'todo 29') resolve()
        })
      })
      for (let number = 0; number < 30; number += 1) await todos.create({ text: `todo ${number}` })
      await last
      const { transport } = app.realtime
      app.realtime.close()
      return { texts, transport }
    })
    await page.close()
    return result
  }

  it('takes a WebSocket where nothing is in the way', async () => {
    assert.deepEqual(await inPage({}), { texts: numbered(30), transport: 'websocket' })
  })

  it('(a) takes server-sent events where the upgrade is refused', async () => {
    assert.deepEqual(await inPage({ refuseUpgrade: true }), { texts: numbered(30), transport: 'sse' })
    assert.ok(proxy.counts.refused > 0)
  })

  it('(b) takes long polling where streams are held back as well', async () => {
    const result = await inPage({ refuseUpgrade: true, bufferStreams: true })
    assert.deepEqual(result, { texts: numbered(30), transport: 'longpoll' })
    assert.ok(proxy.counts.buffered > 0)
  })
})
