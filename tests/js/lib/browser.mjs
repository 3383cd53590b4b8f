// A real browser: the one that CHROMIUM names.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'
]
const DESK = { width: 720, height: 620 }
const PAIR = { width: 1000, height: 450 }
const PHONE = { width: 360, height: 640 }

/** Starts a browser for one test file. Its pages write their script errors into `problems`, and what they ask of the
 *  internet into `outside`. */
export async function launch({ desk = DESK } = {}) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, headless: true
  })
  const shots = mkdtempSync(join(tmpdir(), 'feathers-screenshots-'))
  const problems = []
  const outside = []

  return {
    problems,
    outside,
    /** The browser of another user: its pages share their storage with each other, and with no others. */
    person: () => browser.newContext({ viewport: desk }),
    /** Opens a page, of a user or in a browser of its own, and waits until it is live. */
    async open(url, person) {
      const page = await (person ?? browser).newPage(person ? undefined : { viewport: desk })
      page.setDefaultTimeout(10_000)
      page.on('pageerror', (error) => problems.push(error.message))
      page.on('request', (request) => {
        if (new URL(request.url()).hostname !== '127.0.0.1') outside.push(request.url())
      })
      await page.goto(url)
      await live(page)
      return page
    },
    /** Keeps pictures of a page for a human: on a desk by day and by night, and on a phone, where it must fit. */
    async shoot(page, name) {
      const save = (look) => page.screenshot({ fullPage: true, path: join(shots, `${name}-${look}.png`) })
      await save('day')
      await page.emulateMedia({ colorScheme: 'dark' })
      await save('night')
      await page.emulateMedia({ colorScheme: null })
      await page.setViewportSize(PHONE)
      await save('phone')
      assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), PHONE.width, 'the page is too wide')
      await page.setViewportSize(desk)
      console.log(`      screenshots: ${join(shots, name)}-*.png`)
    },
    /** Takes a picture of two pages side by side, for the README where `README_PICTURE` names its file. */
    async shootPair(urls) {
      const page = await browser.newPage({ viewport: PAIR, deviceScaleFactor: 1.5 })
      const frames = urls.map((url) => `<iframe src="${url}"></iframe>`).join('')
      const style = 'body { margin: 0; display: flex; gap: 12px; background: #8a93a3; padding: 12px; height: 100vh;' +
        ' box-sizing: border-box } iframe { flex: 1; border: 0; border-radius: 10px; background: #fff }'
      await page.setContent(`<style>${style}</style>${frames}`)
      for (const frame of page.frames().slice(1)) await live(frame)
      const path = process.env.README_PICTURE ?? join(shots, 'two-tabs.png')
      await page.screenshot({ path })
      console.log(`      screenshot: ${path}`)
      return page.frames().slice(1)
    },
    close: () => browser.close()
  }
}

/** Waits until a page of the examples is connected. */
export const live = (page) => page.locator('#status.live').waitFor()
