// The helpdesk page in a real browser: two users see one list of tickets, each what they may.
import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { launch } from '../lib/browser.mjs'
import { start } from '../lib/server.mjs'

describe('helpdesk page', function () {
  this.timeout(60_000)
  let helpdesk, browser, page, folder

  before(async () => {
    folder = await mkdtemp(join(tmpdir(), 'feathers-helpdesk-'))
    helpdesk = await start('helpdesk')
    browser = await launch({ desk: { width: 1_080, height: 900 } })
    page = await (await browser.person()).newPage()
    page.setDefaultTimeout(10_000)
    await page.goto(helpdesk.url)
  })
  after(async () => {
    await browser?.close()
    await helpdesk?.stop()
    await rm(folder, { recursive: true, force: true })
  })

  const desk = (number) => page.locator('.desk').nth(number)
  const subject = (number, text) => desk(number).locator('.tickets button', { hasText: text })
  const comment = (number, text) => desk(number).locator('.comments li', { hasText: text })
  const say = async (number, text, internal = false) => {
    await desk(number).locator('[name=text]').fill(text)
    if (internal) await desk(number).locator('[name=internal]').check()
    await desk(number).locator('.new-comment button').click()
  }

  it('shows a customer the own tickets, and an agent those of the organisation', async () => {
    await subject(0, 'Cara cannot print').waitFor()
    await subject(1, 'Dave cannot print').waitFor()
    assert.deepEqual(await desk(0).locator('.tickets button').allTextContents(), ['Cara cannot print'])
    assert.equal(await desk(1).locator('.tickets button').count(), 2)
  })

  it('shows both what is said, and internal notes to the staff alone', async () => {
    for (const number of [0, 1]) await subject(number, 'Cara cannot print').click()
    await say(0, 'Is anybody there?')
    await comment(1, 'Is anybody there?').waitFor()
    await say(1, 'She has no paper.', true)
    await comment(1, 'She has no paper.').waitFor()
    await say(1, 'Please fill in paper.')
    await comment(0, 'Please fill in paper.').waitFor()
    assert.equal(await comment(0, 'She has no paper.').count(), 0)
    assert.match(await desk(1).locator('.facts').textContent(), /cost 19\.90/)
    assert.doesNotMatch(await desk(0).locator('.facts').textContent(), /cost/)
  })

  it('closes a ticket for both', async () => {
    await desk(1).locator('.actions button', { hasText: 'Close' }).click()
    await desk(0).locator('.tickets .closed').waitFor()
    assert.match(await desk(0).locator('.facts').textContent(), /closed · from Cara/)
  })

  it('attaches a file, which the other one gets', async () => {
    const file = join(folder, 'page.txt')
    await writeFile(file, 'all work and no play')
    await desk(0).locator('[name=file]').setInputFiles(file)
    await desk(0).locator('.new-attachment button').click()
    const [download] = await Promise.all([
      page.waitForEvent('download'),
      desk(1).locator('.attachments button', { hasText: 'page.txt' }).click()
    ])
    assert.equal(download.suggestedFilename(), 'page.txt')
  })

  it('fits on a desk and on a phone', () => browser.shoot(page, 'helpdesk'))
})
