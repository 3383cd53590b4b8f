// The todo page in a real browser: two tabs show each other's changes, whatever transport each of them uses, and live on
// when the server restarts.
import assert from 'node:assert/strict'
import { launch, live } from '../lib/browser.mjs'
import { start } from '../lib/server.mjs'

describe('todo page in two tabs', function () {
  this.timeout(60_000)
  let todo, browser, here, there

  before(async () => {
    todo = await start('todo')
    browser = await launch()
    here = await browser.open(`${todo.url}/?transport=sse`)
    there = await browser.open(`${todo.url}/?transport=socketio`)
  })
  after(async () => {
    await browser?.close()
    await todo?.stop()
  })

  const over = (page, transport) => page.locator('#in-use', { hasText: new RegExp(`^over ${transport}$`) }).waitFor()
  const item = (page, text) => page.locator('ul#todos > li', { hasText: text })
  const texts = (page) => page.locator('ul#todos > li .text').allTextContents()
  const add = async (page, text) => {
    await page.locator('input#new').fill(text)
    await page.locator('input#new').press('Enter')
  }

  it('says over which transport it is connected', async () => {
    await over(here, 'sse')
    await over(there, 'socketio')
    assert.equal(await here.locator('#transport').inputValue(), 'sse')
  })

  it('shows a todo that the other tab adds', async () => {
    await add(here, 'buy milk')
    await item(there, 'buy milk').waitFor()
    await add(there, 'call Ada')
    await item(here, 'call Ada').waitFor()
    for (const page of [here, there]) assert.deepEqual(await texts(page), ['buy milk', 'call Ada'])
    assert.equal(await here.locator('input#new').inputValue(), '')
  })

  it('shows a tick of the other tab', async () => {
    await item(here, 'buy milk').locator('input[type=checkbox]').check()
    await item(there, 'buy milk').and(there.locator('.done')).waitFor()
    assert.equal(await item(there, 'buy milk').locator('input[type=checkbox]').isChecked(), true)
    assert.equal(await item(there, 'call Ada').locator('input[type=checkbox]').isChecked(), false)
    await browser.shoot(there, 'ticked')
  })

  it('shows the same todos in two tabs, as on the picture of the README', async () => {
    const pair = await browser.shootPair(['sse', 'socketio'].map((transport) => `${todo.url}/?transport=${transport}`))
    for (const tab of pair) {
      assert.deepEqual(await texts(tab), ['buy milk', 'call Ada'])
      assert.equal(await item(tab, 'buy milk').locator('input[type=checkbox]').isChecked(), true)
    }
  })

  it('says what is wrong with a todo that the server refuses', async () => {
    await add(here, '')
    await here.locator('#error').waitFor()
    assert.notEqual(await here.locator('#error').textContent(), '')
    assert.equal(await there.locator('ul#todos > li').count(), 2)
    await browser.shoot(here, 'refused')
  })

  it('takes a todo away that the other tab removes', async () => {
    await item(there, 'buy milk').locator('button.remove').click()
    await item(here, 'buy milk').waitFor({ state: 'detached' })
  })

  it('works on over every transport that is chosen', async () => {
    const inUse = { auto: 'websocket' }
    for (const name of ['websocket', 'longpoll', 'poll', 'socketio', 'sse', 'auto']) {
      await here.locator('#transport').selectOption(name)
      await over(here, inUse[name] ?? name)
      await add(here, `over ${name}`)
      await item(there, `over ${name}`).waitFor()
      await add(there, `for ${name}`)
      await item(here, `for ${name}`).waitFor()
    }
    assert.deepEqual(await texts(here), await texts(there))
    assert.equal((await texts(here)).length, 13)
    assert.equal(new URL(here.url()).searchParams.get('transport'), 'auto')
  })

  it('misses nothing that happens while the transport changes', async () => {
    const before = (await texts(here)).length
    for (const [number, name] of ['longpoll', 'websocket', 'socketio', 'sse'].entries()) {
      const chosen = here.locator('#transport').selectOption(name)
      await add(there, `meanwhile ${number}`)
      await chosen
      await over(here, name)
    }
    await item(here, 'meanwhile 3').waitFor()
    assert.deepEqual((await texts(here)).slice(before), [0, 1, 2, 3].map((number) => `meanwhile ${number}`))
  })

  it('reconnects when the server is killed and starts again, and shows what happened meanwhile', async function () {
    if (todo.foreign) this.skip()
    const { port, directory } = todo
    await todo.stop({ signal: 'SIGKILL', keep: true })
    for (const page of [here, there]) await page.locator('#status:not(.live)').waitFor()
    await browser.shoot(here, 'reconnecting')
    // At another port, where the pages do not look.
    todo = await start('todo', { directory })
    const response = await fetch(`${todo.url}/todos`, {
      method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify({ text: 'unseen' })
    })
    assert.equal(response.status, 201)
    await todo.stop({ keep: true })
    todo = await start('todo', { port, directory })
    for (const page of [here, there]) {
      await live(page)
      await item(page, 'unseen').waitFor()
      await item(page, 'call Ada').waitFor()
    }
    await add(here, 'after the restart')
    await item(there, 'after the restart').waitFor()
    assert.deepEqual(await texts(here), await texts(there))
  })

  it('runs without a script error', () => assert.deepEqual(browser.problems, []))
})
