// The examples behind the real Pushpin, by configuration alone, in a real browser.
import assert from 'node:assert/strict'
import { launch } from '../lib/browser.mjs'
import { held, startGrip } from '../lib/grip.mjs'

describe('the todo list behind Pushpin', function () {
  this.timeout(60_000)
  const transports = ['websocket', 'sse', 'longpoll', 'socketio']
  let grip, browser
  const pages = {}
  before(async () => {
    grip = await startGrip('todo')
    browser = await launch()
    for (const transport of transports) pages[transport] = await browser.open(`${grip.url}/?transport=${transport}`)
  })
  after(async () => {
    await browser?.close()
    await grip?.close()
  })

  const item = (page, text) => page.locator('ul#todos > li', { hasText: text })
  const add = async (page, text) => {
    await page.locator('input#new').fill(text)
    await page.locator('input#new').press('Enter')
  }

  it('is connected over every transport', async () => {
    for (const [transport, page] of Object.entries(pages)) {
      await page.locator('#in-use', { hasText: new RegExp(`^over ${transport}$`) }).waitFor()
    }
    assert.ok(grip.origin.exchanges.some(held('stream')))
    assert.ok(grip.origin.exchanges.some(({ headers }) => headers['content-type'] === 'application/websocket-events'))
  })

  for (const transport of transports) {
    it(`shows everybody what is added over ${transport}`, async () => {
      await add(pages[transport], `by ${transport}`)
      for (const page of Object.values(pages)) await item(page, `by ${transport}`).waitFor()
    })
  }

  it('shows a tick, and takes away what is removed', async () => {
    await item(pages.sse, 'by sse').locator('input[type=checkbox]').check()
    for (const page of Object.values(pages)) await item(page, 'by sse').and(page.locator('.done')).waitFor()
    for (const page of Object.values(pages)) assert.equal(await page.locator('ul#todos > li').count(), transports.length)
  })

  it('runs without a script error', () => assert.deepEqual(browser.problems, []))
})

describe('the ticker behind Pushpin', function () {
  this.timeout(60_000)
  let grip, browser, page
  before(async () => {
    grip = await startGrip('ticker', { env: { TICK_MS: '50', SEED: '7' } })
    browser = await launch()
    page = await browser.open(grip.url)
  })
  after(async () => {
    await browser?.close()
    await grip?.close()
  })

  const reaches = (least) => page.waitForFunction(
    (least) => Number(document.getElementById('number').textContent) >= least, least
  )

  async function assertComplete() {
    const all = await page.evaluate('ticks')
    assert.deepEqual(all.map(({ number }) => number), all.map((_, at) => all[0].number + at))
    assert.equal(await page.locator('#missed').textContent(), '0')
  }

  it('draws the prices as they come, from one stream that Pushpin holds', async () => {
    await reaches(await page.evaluate('ticks.at(-1).number') + 40)
    await assertComplete()
    assert.ok(grip.origin.exchanges.some(held('stream')))
    assert.ok(grip.control.published.length > 20)
  })

  it('has no hole where publications are lost', async () => {
    const last = await page.evaluate('ticks.at(-1).number')
    let count = 0
    grip.control.lose = () => (count += 1) % 20 === 0
    await reaches(last + 100)
    grip.control.lose = () => false
    assert.ok(grip.control.lost.length >= 3, `${grip.control.lost.length} lost`)
    await assertComplete()
  })

  it('has no hole when Pushpin dies and comes back', async () => {
    const last = await page.evaluate('ticks.at(-1).number')
    await grip.proxy.stop('SIGKILL')
    await grip.proxy.start()
    await reaches(last + 100)
    await assertComplete()
  })

  it('runs without a script error', () => assert.deepEqual(browser.problems, []))
})
