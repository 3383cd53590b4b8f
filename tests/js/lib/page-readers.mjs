// The readers of server-sent events that pages have, in a real browser.
import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { chromium } from 'playwright-core'
import { Reader } from './readers.mjs'

const FLAGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking']
const require = createRequire(import.meta.url)
const polyfill = require.resolve('event-source-polyfill/src/eventsource.min.js')
const fetching = join(dirname(require.resolve('@microsoft/fetch-event-source/package.json')), 'lib/esm')

/** How a page listens, by the name of the reader; `hear` tells the test. Sent to the page as they stand here. */
const listeners = {
  'the EventSource of Chromium': (url) => listenNative(EventSource, url),
  'event-source-polyfill': (url) => listenNative(EventSourcePolyfill, url),
  '@microsoft/fetch-event-source': async (url) => {
    const { fetchEventSource } = await import('/fetch-event-source/index')
    void fetchEventSource(`${url}/realtime`, { openWhenHidden: true, onmessage: ({ event, data }) => hear(event, data) })
  }
}

/** Those that come back where they were, which are all. */
export const pageReaders = Object.keys(listeners)

/** Starts a browser for the readers of one server. */
export async function launchReaders(url) {
  const browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, headless: true
  })
  return {
    /** Begins to open a reader, by its name, in a page of its own. */
    async begin(name) {
      const reader = new Reader()
      const page = await browser.newPage()
      await page.exposeFunction('hear', (event, data) => reader.message({ event: event || 'message', data }))
      // Its modules name each other without the ends of their names.
      await page.route('**/fetch-event-source/*', (route) => route.fulfill({
        contentType: 'text/javascript',
        body: readFileSync(join(fetching, `${new URL(route.request().url()).pathname.split('/').pop()}.js`), 'utf8')
      }))
      // A page of the server's origin that has nothing in it.
      await page.route(`${url}/page`, (route) => route.fulfill({ contentType: 'text/html', body: '' }))
      await page.goto(`${url}/page`)
      await page.addScriptTag({ path: polyfill })
      await page.evaluate(() => {
        globalThis.listenNative = (Source, url) => {
          const source = new Source(`${url}/realtime`)
          for (const event of ['message', 'ready', 'hb', 'reset']) {
            source.addEventListener(event, ({ data }) => hear(event, data))
          }
        }
      })
      await page.evaluate(`(${listeners[name]})(${JSON.stringify(url)})`)
      reader.close = () => page.close()
      return reader
    },
    close: () => browser.close()
  }
}
