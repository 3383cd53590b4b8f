// The ticker's page in a real browser: the line is drawn, and has no hole when connections are cut.
import assert from 'node:assert/strict'
import { launch, live } from '../lib/browser.mjs'
import { startProxy } from '../lib/proxy.mjs'
import { start } from '../lib/server.mjs'

const env = { TICK_MS: '50', SEED: '7' }

describe('ticker page', function () {
  this.timeout(60_000)
  let ticker, proxy, browser, page

  before(async () => {
    ticker = await start('ticker', { env })
    proxy = await startProxy(ticker.url)
    browser = await launch()
    page = await browser.open(proxy.url)
  })
  after(async () => {
    await browser?.close()
    await proxy?.close()
    await ticker?.stop()
  })

  const ticks = () => page.evaluate('ticks')
  const shown = (id) => page.locator(`#${id}`).textContent()
  /** Waits until a number on the page is at least so high. */
  const reaches = (id, least) => page.waitForFunction(
    ({ id, least }) => Number(document.getElementById(id).textContent) >= least, { id, least }
  )

  /** All ticks are there that the server has, as far as it keeps them, and nothing is missing between. */
  async function assertComplete() {
    const all = await ticks()
    assert.deepEqual(all.map(({ number }) => number), all.map((_, at) => all[0].number + at))
    const kept = await (await fetch(`${ticker.url}/ticker`)).json()
    const own = all.filter(({ number }) => number >= kept[0].number)
    assert.deepEqual(own, kept.slice(0, own.length))
    assert.ok(own.length > 20, `${own.length} to compare`)
    assert.equal(await shown('missed'), '0')
    const { span, holes } = await line()
    assert.ok(span > 400, `the line is ${span} pixels long`)
    assert.equal(holes, 0)
  }

  /** The line as it is drawn: how many columns of pixels it spans, and how many of these it leaves out. */
  const line = () => page.evaluate(async () => {
    refresh()
    await new Promise(requestAnimationFrame)
    const canvas = document.querySelector('#chart canvas')
    const { data, width, height } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height)
    // Only the line is blue: what is around it is grey.
    const isDrawn = (x, y) => {
      const [red, , blue, alpha] = data.subarray(4 * (y * width + x))
      return alpha > 0 && blue - red > 100
    }
    const rows = [...Array(height).keys()]
    const columns = [...Array(width).keys()].map((x) => rows.some((y) => isDrawn(x, y)))
    const span = columns.slice(columns.indexOf(true), columns.lastIndexOf(true) + 1)
    return { span: span.length, holes: span.filter((isThere) => !isThere).length }
  })

  it('draws the prices as they come', async () => {
    await reaches('number', 60)
    const last = await ticks().then((all) => all.at(-1).number)
    await reaches('number', last + 10)
    await assertComplete()
  })

  it('shows its cursor, which moves on', async () => {
    const before = await shown('cursor')
    assert.match(before, /^\w{8}-\d+$/)
    await page.waitForFunction((before) => document.querySelector('#cursor').textContent !== before, before)
  })

  it('has no hole when its connection is cut', async () => {
    for (const count of [1, 2]) {
      proxy.cut()
      await page.locator('#status:not(.live)').waitFor()
      const cut = await ticks().then((all) => all.at(-1).number)
      await reaches('reconnects', count)
      await reaches('number', cut + 20)
      await assertComplete()
    }
  })

  it('has no hole when it was away for five seconds', async () => {
    await page.locator('#away').click()
    await page.locator('#status.away').waitFor()
    const left = await ticks().then((all) => all.at(-1).number)
    await live(page)
    await reaches('number', left + 80)
    await assertComplete()
    await browser.shoot(page, 'ticker')
  })

  it('reads the prices again when the server has restarted', async function () {
    if (ticker.foreign) this.skip()
    const before = await ticks().then((all) => all.at(-1).number)
    await ticker.stop({ signal: 'SIGKILL' })
    await page.locator('#status:not(.live)').waitFor()
    ticker = await start('ticker', { port: ticker.port, env })
    await live(page)
    await page.waitForFunction((before) => Number(document.querySelector('#number').textContent) < before, before)
    await reaches('number', 40)
    await assertComplete()
  })

  it('would leave a hole in the line, and count what is missing', async () => {
    await page.evaluate(() => {
      source.close()
      const { number, time, price } = ticks.at(-1)
      for (const later of [21, 22]) add({ number: number + later, time: time + later * 50, price })
    })
    const { holes } = await line()
    assert.ok(holes > 10, `${holes} columns are empty`)
    assert.equal(await shown('missed'), '20')
    await browser.shoot(page, 'hole')
  })

  it('runs without a script error', () => assert.deepEqual(browser.problems, []))
})
