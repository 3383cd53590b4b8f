// The chat page in real browsers: users talk over every transport, and a banned user gets no more events.
import assert from 'node:assert/strict'
import { setTimeout as delay } from 'node:timers/promises'
import { launch, live } from '../lib/browser.mjs'
import { startProxy } from '../lib/proxy.mjs'
import { start } from '../lib/server.mjs'

const TRANSPORTS = ['websocket', 'sse', 'longpoll', 'poll', 'socketio']
const PASSWORD = 'enchantress'
const desk = { width: 1_080, height: 720 }
/** How often a page polls that does nothing better, and what it takes beside, in milliseconds. */
const POLLED = 3_500

describe('chat page', function () {
  this.timeout(90_000)
  let chat, proxy, browser, ann, bob

  before(async () => {
    chat = await start('chat')
    proxy = await startProxy(chat.url)
    browser = await launch({ desk })
    ann = await browser.person()
    bob = await browser.person()
  })
  after(async () => {
    await browser?.close()
    await proxy?.close()
    await chat?.stop()
  })

  // What a user does on a page

  const open = (person, transport, url = proxy.url) => browser.open(`${url}/?transport=${transport}`, person)
  const enter = async (page, name, action) => {
    await page.locator('#email').fill(`${name}@example.com`)
    await page.locator('#password').fill(PASSWORD)
    await page.locator(`#login button[value=${action}]`).click()
    await inside(page, name)
  }
  const inside = (page, name) => page.locator('#own-email', { hasText: `${name}@example.com` }).waitFor()
  const outside = (page) => page.locator('#door').waitFor()
  const message = (page, text) => page.locator('#messages > li', { hasText: text })
  const texts = (page) => page.locator('#messages > li .text').allTextContents()
  const say = async (page, text) => {
    await page.locator('#text').fill(text)
    await page.locator('#text').press('Enter')
  }
  const room = (page, name) => page.locator('#rooms button', { hasText: name })
  const isOnline = (page, name) => page.locator('#people > li', { hasText: `${name}@example.com` }).waitFor()
  /** Waits until no user of this name has a connection that is logged in. */
  const isSilent = async (name, token) => {
    for (;;) {
      const answer = await fetch(`${chat.url}/presence`, { headers: { Authorization: token } })
      if (!(await answer.text()).includes(`${name}@example.com`)) return
    }
  }
  const isGone = (page, name) => {
    return page.locator('#people > li', { hasText: `${name}@example.com` }).waitFor({ state: 'detached' })
  }

  // What is done without a page

  async function call(path, data, token, url = chat.url) {
    const headers = { 'Content-Type': 'application/json', ...(token && { Authorization: token }) }
    const response = await fetch(`${url}/${path}`, { method: 'POST', headers, body: JSON.stringify(data) })
    const answer = await response.json()
    if (!response.ok) throw new Error(answer.message)
    return answer
  }
  const logIn = async (name) => {
    const login = { strategy: 'local', email: `${name}@example.com`, password: PASSWORD }
    return (await call('authentication', login)).accessToken
  }

  describe('at the login form', () => {
    let page
    before(async () => { page = await open(ann, 'websocket') })
    after(() => page.close())

    it('lets a user sign up and in', async () => {
      await browser.shoot(page, 'door')
      await enter(page, 'ann', 'sign-up')
      await isOnline(page, 'ann')
      await page.locator('#empty').waitFor()
    })

    it('stays logged in when it is loaded again', async () => {
      await page.reload()
      await inside(page, 'ann')
      await isOnline(page, 'ann')
    })

    it('logs out, in every tab, and stays so', async () => {
      const tab = await open(ann, 'sse')
      await inside(tab, 'ann')
      await page.locator('#log-out').click()
      for (const each of [page, tab]) await outside(each)
      assert.equal(await page.evaluate(() => localStorage.getItem('feathers-jwt')), null)
      await page.reload()
      await outside(page)
      await tab.close()
    })

    it('says that a password is wrong, or an address taken', async () => {
      await page.locator('#email').fill('ann@example.com')
      await page.locator('#password').fill('something else')
      await page.locator('#login button[value=log-in]').click()
      await page.locator('#door-error', { hasText: 'Invalid login' }).waitFor()
      await browser.shoot(page, 'wrong')
      await page.locator('#login button[value=sign-up]').click()
      await page.locator('#door-error', { hasText: 'already' }).waitFor()
      await enter(page, 'ann', 'log-in')
    })
  })

  for (const transport of TRANSPORTS) {
    describe(`over ${transport}`, () => {
      let one, other
      before(async () => {
        one = await open(ann, transport)
        other = await open(bob, transport)
        await inside(one, 'ann')
        if (transport === TRANSPORTS[0]) await enter(other, 'bob', 'sign-up')
        await inside(other, 'bob')
      })
      after(() => Promise.all([one.close(), other.close()]))

      it('says so', async () => {
        for (const page of [one, other]) {
          assert.equal(await page.locator('[role=status]').textContent(), `live over ${transport}`)
        }
      })

      it('shows who is online, however many tabs a user has', async () => {
        await isOnline(one, 'bob')
        const tab = await open(bob, transport)
        await inside(tab, 'bob')
        assert.equal(await one.locator('#people > li').count(), 2)
        await tab.close()
        await delay(300)
        assert.equal(await one.locator('#people > li').count(), 2)
      })

      it('shows what the other user says, and that the user is typing', async () => {
        await other.locator('#text').pressSequentially('Hello')
        await one.locator('#typing', { hasText: 'bob@example.com is typing' }).waitFor()
        await say(other, `Hello over ${transport}`)
        await message(one, `Hello over ${transport}`).waitFor()
        assert.equal(await one.locator('#typing').textContent(), '')
        await say(one, `Hi over ${transport}`)
        await message(other, `Hi over ${transport}`).waitFor()
        assert.deepEqual(await texts(one), await texts(other))
        const author = message(one, `Hello over ${transport}`)
        assert.equal(await author.locator('strong').textContent(), 'bob@example.com')
        assert.equal(await author.locator('.avatar').textContent(), 'BO')
      })

      it('takes away a message that its author removes, and that no other user can remove', async () => {
        const text = `A mistake over ${transport}`
        await say(one, text)
        await message(other, text).waitFor()
        assert.equal(await message(other, text).locator('button').count(), 0)
        await message(one, text).locator('button').click()
        await message(other, text).waitFor({ state: 'detached' })
      })

      it('shows markup as a text', async () => {
        const text = `<img src=x onerror="document.title='over ${transport}'">`
        await say(one, text)
        await message(other, text).waitFor()
        for (const page of [one, other]) {
          assert.equal(await page.locator('img').count(), 0)
          assert.equal(await page.title(), 'Chat')
        }
      })

      it('keeps what is said in a room there', async () => {
        const name = `Room ${transport}`
        await one.locator('#new-room input').fill(name)
        await one.locator('#new-room input').press('Enter')
        await one.locator('#rooms [aria-current]', { hasText: name }).waitFor()
        await room(other, name).waitFor()
        await say(one, `Inside over ${transport}`)
        await message(one, `Inside over ${transport}`).waitFor()
        await say(other, `Outside over ${transport}`)
        await message(other, `Outside over ${transport}`).waitFor()
        assert.equal(await message(other, 'Inside').count(), 0)
        await room(other, name).click()
        await message(other, `Inside over ${transport}`).waitFor()
        await say(other, `Me too over ${transport}`)
        await message(one, `Me too over ${transport}`).waitFor()
        assert.deepEqual(await texts(one), [`Inside over ${transport}`, `Me too over ${transport}`])
      })

      it('misses nothing in a room, or in none, when connections are cut', async () => {
        const token = await logIn('bob')
        const { id } = await other.evaluate(() => fetch('/rooms', {
          headers: { Authorization: localStorage.getItem('feathers-jwt') }
        }).then((response) => response.json()).then((rooms) => rooms.at(-1)))
        await room(other, 'Everybody').click()
        await other.locator('#rooms [aria-current]', { hasText: 'Everybody' }).waitFor()
        const count = 3
        for (const round of [1, 2]) {
          proxy.cut()
          for (let number = 1; number <= count; number++) {
            await call('messages', { text: `Room ${transport} ${round}.${number}`, room: id }, token)
            await call('messages', { text: `All ${transport} ${round}.${number}` }, token)
          }
          await message(one, `Room ${transport} ${round}.${count}`).waitFor()
          await message(other, `All ${transport} ${round}.${count}`).waitFor()
          await live(one)
          await call('messages', { text: `Room ${transport} ${round}.last`, room: id }, token)
          await message(one, `Room ${transport} ${round}.last`).waitFor()
        }
        const expected = (place, last) => [1, 2].flatMap((round) => {
          return [1, 2, 3, ...last].map((number) => `${place} ${transport} ${round}.${number}`)
        })
        assert.deepEqual((await texts(one)).slice(2), expected('Room', ['last']))
        assert.deepEqual((await texts(other)).slice(-6), expected('All', []))
      })

      it('falls silent in every tab of a banned user', async () => {
        const name = `carl.${transport}`
        const { id } = await call('users', { email: `${name}@example.com`, password: PASSWORD })
        const carl = await browser.person()
        const first = await open(carl, transport)
        await enter(first, name, 'log-in')
        const second = await open(carl, transport)
        await inside(second, name)
        for (const page of [first, second]) {
          await page.evaluate(() => {
            window.shown = []
            const note = (changes) => window.shown.push(...changes.flatMap(({ addedNodes }) => {
              return [...addedNodes].map((node) => node.textContent)
            }))
            new MutationObserver(note).observe(document.querySelector('#messages'), { childList: true })
          })
        }
        await room(other, 'Everybody').click()
        await isOnline(other, name)
        const [admin, user] = [await logIn('ann'), await logIn('bob')]
        await call('messages', { text: `Carl, ${transport}` }, user)
        for (const page of [first, second]) await message(page, `Carl, ${transport}`).waitFor()

        await call('bans', { userId: id }, admin)
        const bannedAt = Date.now()
        await call('messages', { text: `A secret over ${transport}` }, user)
        await isSilent(name, admin)
        const silentAfter = Date.now() - bannedAt
        await isGone(other, name)
        for (const page of [first, second]) await page.locator('#door-error', { hasText: 'you are banned' }).waitFor()
        await call('messages', { text: `Another secret over ${transport}` }, user)
        await delay(transport === 'poll' ? POLLED : 1_000)
        for (const page of [first, second]) {
          const shown = await page.evaluate(() => window.shown)
          assert.deepEqual(shown.filter((text) => text.includes(`secret over ${transport}`)), [])
          assert.equal(shown.filter((text) => text.includes(`Carl, ${transport}`)).length, 1)
          assert.equal(await page.evaluate(() => localStorage.getItem('feathers-jwt')), null)
        }
        assert.ok(silentAfter < 1_000, `${silentAfter} ms`)

        await first.locator('#email').fill(`${name}@example.com`)
        await first.locator('#password').fill(PASSWORD)
        await first.locator('#login button[value=log-in]').click()
        await first.locator('#door-error', { hasText: 'you are banned' }).waitFor()
        if (transport === 'websocket') {
          await browser.shoot(first, 'banned')
          await browser.shoot(other, 'chat')
        }
        await carl.close()
      })
    })
  }

  // In a block of its own, because those come last.
  describe('besides', () => {
    it('goes back to earlier messages', async () => {
      const token = await logIn('bob')
      const { id } = await call('rooms', { name: 'Far back' }, token)
      const said = Array.from({ length: 60 }, (_, number) => `number ${number}`)
      for (const text of said) await call('messages', { text, room: id }, token)
      const page = await open(bob, 'websocket')
      await room(page, 'Far back').click()
      await message(page, 'number 59').waitFor()
      for (const count of [50, 60]) {
        await page.locator('#earlier').click()
        await page.waitForFunction((count) => document.querySelectorAll('#messages > li').length === count, count)
      }
      assert.deepEqual(await texts(page), said)
      await page.locator('#earlier').waitFor({ state: 'hidden' })
      await page.close()
    })

    it('is in its room again when the server has lost the session of a poll', async () => {
      const token = await logIn('bob')
      const { id } = await call('rooms', { name: 'Again' }, token)
      const page = await open(bob, 'longpoll')
      let session
      page.on('request', (request) => { session = request.headers()['x-connection-token'] ?? session })
      await room(page, 'Again').click()
      for (const text of ['before', 'after']) {
        await page.locator('#rooms [aria-current]', { hasText: 'Again' }).waitFor()
        await call('messages', { text, room: id }, token)
        await message(page, text).waitFor()
        const joins = page.waitForResponse((response) => response.url().endsWith('/members'))
        const response = await fetch(`${chat.url}/realtime`, {
          method: 'DELETE',
          headers: { 'X-Connection-Token': session, Authorization: `Bearer ${token}` }
        })
        assert.ok(response.ok, await response.text())
        await joins
      }
      assert.deepEqual(await texts(page), ['before', 'after'])
      await page.close()
    })

    it('says that a login has expired', async function () {
      if (chat.foreign) this.skip()
      const brief = await start('chat', { env: { JWT_EXPIRES: '3s' } })
      await Promise.all(TRANSPORTS.map(async (transport) => {
        const name = `dora.${transport}`
        await call('users', { email: `${name}@example.com`, password: PASSWORD }, undefined, brief.url)
        const page = await open(await browser.person(), transport, brief.url)
        await enter(page, name, 'log-in')
        await page.locator('#door-error', { hasText: 'jwt expired' }).waitFor()
        await page.close()
      }))
      await brief.stop()
    })

    it('asks nothing of the internet, and runs without a script error', () => {
      assert.deepEqual(browser.outside, [])
      assert.deepEqual(browser.problems, [])
    })
  })
})
