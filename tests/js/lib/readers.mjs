// The readers of server-sent events that the world of Node has, each connected in the same way.
import { EventSource } from 'eventsource'
import { feathers } from 'feathers'
import { fetchClient, sseClient } from 'feathers/client'
import { EventSource as UndiciEventSource } from 'undici'
import { once } from './server.mjs'

const PATIENCE = 20_000

/** A reader of the events of the peer's `ev`, which have a number `n`. */
class Reader {
  numbers = []
  opened = 0
  heartbeats = 0
  resets = []
  errors = []
  #waiting = new Set()

  /** Notes something. */
  hear(note) {
    note(this)
    for (const check of this.#waiting) check()
  }

  /** Waits until something is true of what has been heard. */
  async until(isTrue, what) {
    let check
    await once((done) => {
      check = () => isTrue(this) && done()
      this.#waiting.add(check)
      check()
    }, what, PATIENCE).finally(() => this.#waiting.delete(check))
  }

  last(number) {
    return this.until(({ numbers }) => numbers.at(-1) === number, `event ${number}`)
  }
}

/** Native ones, which come back by themselves with the last cursor. */
const native = (Source) => async (url, query = '') => {
  const reader = new Reader()
  const source = new Source(`${url}/realtime${query}`)
  reader.close = () => source.close()
  source.addEventListener('message', ({ data }) => {
    const { path, event, data: item } = JSON.parse(data)
    if (path === 'ev' && event === 'created') reader.hear(({ numbers }) => numbers.push(item.n))
  })
  source.addEventListener('ready', () => reader.hear(() => { reader.opened += 1 }))
  source.addEventListener('hb', () => reader.hear(() => { reader.heartbeats += 1 }))
  source.addEventListener('reset', ({ data }) => reader.hear(({ resets }) => resets.push(JSON.parse(data).data)))
  await reader.until(({ opened }) => opened === 1, 'ready')
  return reader
}

/** Opens a reader that begins at a cursor. */
export const readFrom = (url, since) => native(EventSource)(url, `?since=${since}`)

/** The client of Feathers 6, which takes every block with data for an event of a service. */
async function feathers6(url) {
  const reader = new Reader()
  const app = feathers()
    .configure(fetchClient(fetch, { baseUrl: url }))
    .configure(sseClient({ path: 'realtime', params: { query: { transport: 'sse' } } }))
  const realtime = app.service('realtime')
  realtime.on('error', (error) => reader.hear(({ errors }) => errors.push(error)))
  realtime.on('reset', (reset) => reader.hear(({ resets }) => resets.push(reset)))
  app.service('ev').on('created', ({ n }) => reader.hear(({ numbers }) => numbers.push(n)))
  const connected = once((done) => realtime.once('connected', done), 'connected')
  await app.setup()
  const controller = await connected
  reader.close = () => controller.abort()
  return reader
}

/** Opens a reader, by its name. */
export const readers = {
  'npm eventsource': native(EventSource),
  'the EventSource of undici': native(UndiciEventSource),
  'the client of Feathers 6': feathers6
}

/** Those that come back where they were. */
export const resuming = ['npm eventsource', 'the EventSource of undici']
