// A browser repeats a request by itself when a kept-alive connection is reset before the first byte of the answer, a POST
// too, and the page does not notice.
import assert from 'node:assert/strict'
import { chromium } from 'playwright-core'
import { fileURLToPath } from 'node:url'
import { numbers, publish } from '../lib/events.mjs'
import { startProxy } from '../lib/proxy.mjs'
import { start } from '../lib/server.mjs'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const CALLS = 150

describe('requests that a browser repeats', function () {
  this.timeout(60_000)
  let server, proxy, browser
  before(async () => {
    server = await start('peer')
    proxy = await startProxy(server.url, { seed: Number(process.env.SEED ?? 1) })
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, headless: true
    })
  })
  after(async () => {
    await browser?.close()
    await proxy?.close()
    await server?.stop()
  })

  it('are the same requests', async () => {
    const page = await browser.newPage()
    await page.goto(`${proxy.url}/page`)
    await page.addScriptTag({ url: `${proxy.url}/socket.io/socket.io.js` })
    await page.evaluate(async () => {
      globalThis.heard = { connects: 0, numbers: [] }
      globalThis.socket = io({ transports: ['polling'] })
      socket.on('connect', () => { heard.connects += 1 })
      socket.on('ev created', ({ n }) => heard.numbers.push(n))
      await new Promise((resolve) => socket.once('connect', resolve))
    })
    proxy.faults.reset = 0.3
    // Each call is an event, and each event comes once: a call that was run twice would be two.
    const heard = await page.evaluate(async (calls) => {
      for (let n = 0; n < calls; n += 1) {
        await new Promise((resolve) => socket.emit('create', 'ev', { n }, {}, resolve))
      }
      return heard
    }, CALLS)
    assert.deepEqual(heard, { connects: 1, numbers: numbers(0, CALLS) })
    assert.ok(proxy.counts.reset > 20, `${proxy.counts.reset} answers were lost`)
    proxy.faults.reset = 0
  })

  it('take nothing away where the client holds the cursor', async () => {
    const page = await browser.newPage()
    await page.goto(`${proxy.url}/page`)
    await page.addScriptTag({ path: fileURLToPath(new URL('../../../client/dist/realtime.min.js', import.meta.url)) })
    await page.evaluate(async (url) => {
      const { feathers, realtime } = FeathersRealtime
      globalThis.heard = { resets: 0, numbers: [] }
      globalThis.app = feathers().configure(realtime(url, { transports: ['longpoll'] }))
      app.realtime.on('reset', () => { heard.resets += 1 })
      app.service('ev').on('created', ({ n }) => heard.numbers.push(n))
      await new Promise((resolve) => app.realtime.once('connect', resolve))
    }, proxy.url)
    const before = proxy.counts.reset
    proxy.faults.reset = 0.3
    for (let n = 0; n < CALLS; n += 1) {
      await publish(server, [n])
      if (n % 5 === 4) await page.waitForFunction((last) => heard.numbers.at(-1) === last, n)
    }
    assert.deepEqual(await page.evaluate(() => heard), { resets: 0, numbers: numbers(0, CALLS) })
    assert.ok(proxy.counts.reset - before > 5, `${proxy.counts.reset - before} answers were lost`)
  })
})
