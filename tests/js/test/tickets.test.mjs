// Tickets in a real browser: an `EventSource` can send no header and comes back with the same URL, whose ticket is used.
import assert from 'node:assert/strict'
import { launch } from '../lib/browser.mjs'
import { start } from '../lib/server.mjs'
import { until } from '../lib/until.mjs'

const LOGIN = { strategy: 'local', email: 'eve@example.com', password: 'supersecret' }
const ID = 70

describe('an EventSource that connects with a ticket', function () {
  this.timeout(60_000)
  let server, browser, token

  const ask = async (method, path, body, headers) => {
    const response = await fetch(`${server.url}/${path}`, {
      method,
      headers: { 'Content-Type': 'application/json', ...headers },
      body: body && JSON.stringify(body)
    })
    const text = await response.text()
    assert.ok(response.ok, text)
    return JSON.parse(text)
  }
  const newTicket = async () => {
    const { ticket } = await ask('POST', 'authentication/ticket', {}, { Authorization: `Bearer ${token}` })
    return ticket
  }
  /** Opens a page of the server's own origin that listens. */
  const listen = async (url, person) => {
    const page = await person.newPage()
    await page.goto(`${server.url}/realtime/negotiate`)
    await page.evaluate((url) => {
      const source = new EventSource(url)
      const seen = { ready: 0, numbers: [], errors: 0 }
      Object.assign(window, { source, seen })
      source.addEventListener('ready', () => (seen.ready += 1))
      source.onmessage = ({ data }) => {
        const { path, data: record } = JSON.parse(data)
        if (path === 'news') seen.numbers.push(record.id)
      }
      source.onerror = () => (seen.errors += 1)
    }, url)
    return page
  }
  const seen = (page) => page.evaluate(() => ({ ...window.seen, state: window.source.readyState }))

  before(async () => {
    server = await start('peer')
    browser = await launch()
    await ask('POST', 'users', { id: ID, email: LOGIN.email, password: LOGIN.password })
    token = (await ask('POST', 'authentication', LOGIN)).accessToken
  })
  after(async () => {
    await browser?.close()
    await server?.stop()
  })

  it('comes back by itself as the same user, and its URL alone lets no other client in', async () => {
    const url = `/realtime?ticket=${await newTicket()}`
    const [eve, thief] = [await browser.person(), await browser.person()]
    const page = await listen(url, eve)
    await until(async () => (await seen(page)).ready === 1)
    await ask('POST', 'news', { id: 1 })
    // Other permissions: the stream ends, and the browser comes back.
    for (const n of [2, 3]) {
      await ask('PATCH', `users/${ID}`, { role: `role ${n}` })
      await ask('POST', 'news', { id: n })
      await until(async () => (await seen(page)).ready === n)
    }
    await until(async () => (await seen(page)).numbers.length === 3)
    assert.deepEqual((await seen(page)).numbers, [1, 2, 3])

    // The cookie is no login: no script sees it, no call is made with it, and it is not sent elsewhere.
    assert.equal(await page.evaluate(() => document.cookie), '')
    const [cookie] = await eve.cookies(`${server.url}/realtime`)
    assert.match(cookie.name, /^feathers-ticket-/)
    assert.deepEqual([cookie.httpOnly, cookie.path, cookie.sameSite], [true, '/realtime', 'Strict'])
    assert.deepEqual(await eve.cookies(`${server.url}/dummy`), [])
    const status = (headers) => page.evaluate(async (headers) => (await fetch('/dummy', { headers })).status, headers)
    assert.equal(await status({}), 401)

    const stolen = await listen(url, thief)
    await until(async () => (await seen(stolen)).state === 2)
    assert.equal((await seen(stolen)).ready, 0)
    const second = await listen(`/realtime?ticket=${await newTicket()}`, thief)
    await until(async () => (await seen(second)).ready === 1)
  })

  it('ends with its login, and begins again with a new ticket', async () => {
    const eve = await browser.person()
    const page = await listen(`/realtime?ticket=${await newTicket()}`, eve)
    await until(async () => (await seen(page)).ready === 1)
    await ask('PATCH', `users/${ID}`, { password: 'another secret' })
    await until(async () => (await seen(page)).state === 2)
    token = (await ask('POST', 'authentication', { ...LOGIN, password: 'another secret' })).accessToken
    const again = await listen(`/realtime?ticket=${await newTicket()}`, eve)
    await until(async () => (await seen(again)).ready === 1)
    await ask('POST', 'news', { id: 9 })
    await until(async () => (await seen(again)).numbers.includes(9))
  })
})
