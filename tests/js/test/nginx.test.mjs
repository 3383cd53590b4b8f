// T9: server-sent events through a real nginx that compresses them: they come at once, and no reader misses any.
import assert from 'node:assert/strict'
import http from 'node:http'
import { createInterface } from 'node:readline'
import { constants, createGunzip } from 'node:zlib'
import { numbers, publish } from '../lib/events.mjs'
import { startNginx } from '../lib/nginx.mjs'
import { readers, resuming } from '../lib/readers.mjs'
import { once, start } from '../lib/server.mjs'

/** A heartbeat in so many milliseconds. */
const HEARTBEAT = 300

describe('T9: server-sent events through nginx', function () {
  this.timeout(30_000)
  let server, nginx, reader
  before(async () => {
    server = await start('peer', { env: { PING_MS: String(HEARTBEAT) } })
    nginx = await startNginx(server.url)
  })
  afterEach(() => reader?.close())
  after(async () => {
    await nginx?.close()
    await server?.stop()
  })

  it('come at once although they are compressed, heartbeats too', async () => {
    const begun = Date.now()
    const headers = { accept: 'text/event-stream', 'accept-encoding': 'gzip' }
    const request = http.get(`${nginx.url}/realtime`, { headers, agent: false })
    reader = { close: () => request.destroy() }
    const response = await once((done) => request.on('response', done), 'the head')
    assert.equal(response.headers['content-type'], 'text/event-stream')
    // Or this would show nothing.
    assert.equal(response.headers['content-encoding'], 'gzip')
    const lines = createInterface({ input: response.pipe(createGunzip({ flush: constants.Z_SYNC_FLUSH })) })
    const line = (start) => once((done) => lines.on('line', (text) => text.startsWith(start) && done(Date.now())), start)
    const first = (await line('retry:')) - begun
    assert.ok(first < 500, `first bytes after ${first} ms`)

    await line('event: hb')
    const [one, another] = [await line('event: hb'), await line('event: hb')]
    assert.ok(another - one < 5 * HEARTBEAT, `a heartbeat after ${another - one} ms`)

    for (const n of numbers(0, 5)) {
      const arrival = line(`data: {"path":"ev","event":"created","data":{"n":${n}}`)
      const published = Date.now()
      await publish(server, [n])
      const time = (await arrival) - published
      assert.ok(time < 1_000, `event ${n} after ${time} ms`)
    }
  })

  for (const [name, open] of Object.entries(readers)) {
    it(`reach ${name}`, async () => {
      reader = await open(nginx.url)
      await publish(server, numbers(0, 300))
      await reader.last(299)
      assert.deepEqual([reader.numbers, reader.resets, reader.errors], [numbers(0, 300), [], []])
    })
  }

  for (const name of resuming) {
    it(`leave no hole for ${name} when nginx is reloaded, or stopped and started again`, async () => {
      reader = await readers[name](nginx.url)
      await publish(server, numbers(0, 10))
      await reader.last(9)
      nginx.reload()
      await publish(server, numbers(10, 20))
      await reader.last(19)
      await reader.until(({ opened }) => opened === 2, 'the next connection')
      await nginx.stop()
      await publish(server, numbers(20, 30))
      await nginx.start()
      await publish(server, numbers(30, 40))
      await reader.last(39)
      assert.deepEqual([reader.numbers, reader.resets, reader.opened], [numbers(0, 40), [], 3])
    })
  }
})
