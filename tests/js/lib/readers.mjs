// The readers of server-sent events that the world of Node has, each connected in the same way.
import { setTimeout as delay } from 'node:timers/promises'
import { EventSource } from 'eventsource'
import { EventSourceParserStream } from 'eventsource-parser/stream'
import { feathers } from 'feathers'
import { fetchClient, sseClient } from 'feathers/client'
import { EventSource as UndiciEventSource } from 'undici'
import { once } from './server.mjs'

const PATIENCE = 20_000

/** A reader of the events of the peer's `ev`, which have a number `n`. */
export class Reader {
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

  /** Notes an event as it stands in the stream. */
  message({ event = 'message', data }) {
    this.hear((reader) => {
      const { path, event: name, data: item } = JSON.parse(data)
      if (event === 'message' && path === 'ev' && name === 'created') reader.numbers.push(item.n)
      // A stream without room says so in the same block.
      if (event === 'ready' && name === 'connected') reader.opened += 1
      if (event === 'hb') reader.heartbeats += 1
      if (event === 'reset') reader.resets.push(item)
    })
  }

  /** Waits until a condition holds for what the reader got. */
  async until(isTrue, what) {
    let check
    await once((done) => {
      check = () => isTrue(this) && done()
      this.#waiting.add(check)
      check()
    }, what, PATIENCE).finally(() => this.#waiting.delete(check))
  }

  /** Waits until it has been connected so many times. */
  connected(times) {
    return this.until(({ opened }) => opened >= times, `connection ${times}`)
  }

  last(number) {
    return this.until(({ numbers }) => numbers.at(-1) === number, `event ${number}`)
  }
}

/** Native ones, which come back by themselves with the last cursor. */
const native = (Source) => (url, query = '') => {
  const reader = new Reader()
  const source = new Source(`${url}/realtime${query}`)
  reader.close = () => source.close()
  for (const event of ['message', 'ready', 'hb', 'reset']) {
    source.addEventListener(event, ({ data }) => reader.message({ event, data }))
  }
  return reader
}

/** The client of Feathers 6, which takes every block with data for an event of a service. */
function feathers6(url) {
  const reader = new Reader()
  const app = feathers()
    .configure(fetchClient(fetch, { baseUrl: url }))
    .configure(sseClient({ path: 'realtime', params: { query: { transport: 'sse' } }, reconnectionDelay: 100 }))
  const realtime = app.service('realtime')
  let close = () => {}
  realtime.on('error', (error) => reader.hear(({ errors }) => errors.push(error)))
  realtime.on('reset', (reset) => reader.hear(({ resets }) => resets.push(reset)))
  realtime.on('connected', (controller) => {
    close = () => controller.abort()
    reader.hear(() => { reader.opened += 1 })
  })
  app.service('ev').on('created', ({ n }) => reader.hear(({ numbers }) => numbers.push(n)))
  void app.setup()
  reader.close = () => close()
  return reader
}

/** A parser and nothing else: the loop of the guide around it. */
function parser(url) {
  const reader = new Reader()
  const abort = new AbortController()
  reader.close = () => abort.abort()
  async function listen() {
    let [since, retry] = ['', 2_000]
    while (!abort.signal.aborted) {
      try {
        const headers = { Accept: 'text/event-stream', ...(since && { 'Last-Event-ID': since }) }
        const response = await fetch(`${url}/realtime`, { headers, signal: abort.signal })
        const onRetry = (ms) => { retry = ms }
        const events = response.body
          .pipeThrough(new TextDecoderStream())
          .pipeThrough(new EventSourceParserStream({ onRetry }))
        for await (const { id, event, data } of events) {
          if (id) since = id
          reader.message({ event, data })
        }
      } catch {
        // The server ends a stream by cutting it off, and a network may.
      }
      await delay(retry)
    }
  }
  void listen()
  return reader
}

const starters = {
  'npm eventsource': native(EventSource),
  'the EventSource of undici': native(UndiciEventSource),
  'the client of Feathers 6': feathers6,
  'a loop around eventsource-parser': parser
}

/** Begins to open a reader, by its name. */
export const begin = (name, url) => starters[name](url)

const opening = (start) => async (...args) => {
  const reader = start(...args)
  await reader.connected(1)
  return reader
}

/** Opens a reader that begins at a cursor. */
export const readFrom = (url, since) => opening(native(EventSource))(url, `?since=${since}`)

/** Opens a reader, by its name. */
export const readers = Object.fromEntries(Object.entries(starters).map(([name, start]) => [name, opening(start)]))

/** Those that come back where they were. */
export const resuming = Object.keys(readers).filter((name) => name !== 'the client of Feathers 6')
