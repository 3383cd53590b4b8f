// The todo page in a real browser: two tabs show each other's changes, and live on when the server restarts.
import assert from 'node:assert/strict'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { start } from '../lib/server.mjs'

const FLAGS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking',
  '--disable-component-update', '--disable-sync'
]

describe('todo page in two tabs', function () {
  this.timeout(30_000)
  let todo, browser, here, there
  const problems = []
  const shots = mkdtempSync(join(tmpdir(), 'feathers-screenshots-'))

  before(async () => {
    todo = await start('todo')
    browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', args: FLAGS, headless: true
    })
    const open = async () => {
      const page = await browser.newPage({ viewport: { width: 640, height: 480 } })
      page.setDefaultTimeout(10_000)
      page.on('pageerror', (error) => problems.push(error.message))
      await page.goto(todo.url)
      await live(page)
      return page
    }
    here = await open()
    there = await open()
  })
  after(async () => {
    await browser?.close()
    await todo?.stop()
  })

  const live = (page) => page.locator('#status.live').waitFor()
  const item = (page, text) => page.locator('ul#todos > li', { hasText: text })
  const add = async (page, text) => {
    await page.locator('input#new').fill(text)
    await page.locator('input#new').press('Enter')
  }
  const shoot = async (page, name) => {
    const path = join(shots, `${name}.png`)
    await page.screenshot({ path })
    console.log(`      screenshot: ${path}`)
  }

  it('shows a todo that the other tab adds', async () => {
    await add(here, 'buy milk')
    await item(there, 'buy milk').waitFor()
    await add(there, 'call Ada')
    await item(here, 'call Ada').waitFor()
    for (const page of [here, there]) {
      assert.deepEqual(await page.locator('ul#todos > li .text').allTextContents(), ['buy milk', 'call Ada'])
    }
    assert.equal(await here.locator('input#new').inputValue(), '')
  })

  it('shows a tick of the other tab', async () => {
    await item(here, 'buy milk').locator('input[type=checkbox]').check()
    await item(there, 'buy milk').and(there.locator('.done')).waitFor()
    assert.equal(await item(there, 'buy milk').locator('input[type=checkbox]').isChecked(), true)
    assert.equal(await item(there, 'call Ada').locator('input[type=checkbox]').isChecked(), false)
    await shoot(there, 'ticked')
  })

  it('says what is wrong with a todo that the server refuses', async () => {
    await add(here, '')
    await here.locator('#error').waitFor()
    assert.notEqual(await here.locator('#error').textContent(), '')
    assert.equal(await there.locator('ul#todos > li').count(), 2)
  })

  it('takes a todo away that the other tab removes', async () => {
    await item(there, 'buy milk').locator('button.remove').click()
    await item(here, 'buy milk').waitFor({ state: 'detached' })
  })

  it('reconnects when the server is killed and starts again, and has kept what was stored', async function () {
    if (todo.foreign) this.skip()
    await todo.stop({ signal: 'SIGKILL', keep: true })
    await here.locator('#status:not(.live)').waitFor()
    todo = await start('todo', { port: todo.port, directory: todo.directory })
    for (const page of [here, there]) await live(page)
    await item(there, 'call Ada').waitFor()
    await add(here, 'after the restart')
    await item(there, 'after the restart').waitFor()
    await shoot(there, 'restarted')
  })

  it('runs without a script error', () => assert.deepEqual(problems, []))
})
