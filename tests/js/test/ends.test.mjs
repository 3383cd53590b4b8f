// Streams of events that the server ends: every reader comes back, straight and through nginx, also readers that
// take the proper end of a body for the last word.
import assert from 'node:assert/strict'
import { createRequire } from 'node:module'
import { setTimeout as delay } from 'node:timers/promises'
import { numbers, publish } from '../lib/events.mjs'
import { startNginx } from '../lib/nginx.mjs'
import { launchReaders, pageReaders } from '../lib/page-readers.mjs'
import { Reader, begin, readers, resuming } from '../lib/readers.mjs'
import { start } from '../lib/server.mjs'

const folder = new URL('../../../client/', import.meta.url)
const require = createRequire(new URL('package.json', folder))
const { feathers } = require('@feathersjs/feathers')
const { realtime } = await import(new URL('dist/index.js', folder))

const OURS = 'the client of this project'
const NAMES = [...Object.keys(readers), ...pageReaders, OURS]
const RESUMING = [...resuming, ...pageReaders, OURS]

/** Begins to open the client of this project, which may use streams alone. */
function ours(url) {
  const reader = new Reader()
  const app = feathers().configure(realtime(url, { transports: ['sse'], stableAfter: 50 }))
  app.realtime.on('connect', () => reader.hear(() => { reader.opened += 1 }))
  app.realtime.on('reset', (reset) => reader.hear(({ resets }) => resets.push(reset)))
  app.service('ev').on('created', ({ n }) => reader.hear((heard) => heard.numbers.push(n)))
  reader.close = () => app.realtime.close()
  return reader
}

for (const way of ['straight', 'through nginx']) {
  describe(`streams that the server ends, ${way}`, function () {
    this.timeout(90_000)
    let server, nginx, browser, all

    /** Starts a server, and begins to open all readers once what is to be there before them is. */
    async function setUp(env, prepare = async () => {}) {
      server = await start('peer', { env })
      await prepare()
      nginx = way === 'straight' ? undefined : await startNginx(server.url, { version: '1.1' })
      const url = nginx?.url ?? server.url
      browser = await launchReaders(url)
      all = {}
      for (const name of NAMES) {
        all[name] = name === OURS ? ours(url) : await (pageReaders.includes(name) ? browser : { begin }).begin(name, url)
      }
    }

    afterEach(async () => {
      for (const reader of Object.values(all ?? {})) await reader.close()
      await browser?.close()
      await nginx?.close()
      await server?.stop()
      all = browser = nginx = server = undefined
    })

    const every = (check) => Promise.all(Object.entries(all).map(async ([name, reader]) => {
      await check(reader, name).catch((error) => { throw new Error(`${name}: ${error.message}`) })
    }))

    it('after their lifetime are opened again, and those who can miss nothing', async () => {
      await setUp({ STREAM_LIFETIME_MS: '1500' })
      await every((reader) => reader.connected(1))
      for (const from of [0, 10, 20]) {
        const opened = Object.fromEntries(Object.entries(all).map(([name, reader]) => [name, reader.opened]))
        await publish(server, numbers(from, from + 10))
        await every((reader, name) => reader.connected(opened[name] + 1))
      }
      for (const name of RESUMING) {
        await all[name].last(29)
        assert.deepEqual([all[name].numbers, all[name].resets], [numbers(0, 30), []], name)
      }
    })

    it('when it stops are opened again when it is back', async () => {
      await setUp({})
      await every((reader) => reader.connected(1))
      const { port, directory } = server
      const { code } = await server.stop({ keep: true })
      assert.equal(code, 0)
      server = await start('peer', { port, directory })
      await every((reader) => reader.connected(2))
      await publish(server, [7])
      await every((reader) => reader.last(7))
    })

    it('for lack of room are opened again when there is some', async () => {
      let holders
      await setUp({ MAX_STREAMS: String(NAMES.length) }, async () => {
        holders = await Promise.all(NAMES.map(() => fetch(`${server.url}/realtime?transport=sse`)))
      })
      await delay(500)
      assert.deepEqual(NAMES.filter((name) => all[name].opened > 0), [])
      await Promise.all(holders.map(({ body }) => body.cancel()))
      await every((reader) => reader.connected(1))
      await publish(server, [7])
      await every((reader) => reader.last(7))
    })
  })
}
