// Server-sent events, read with `fetch`, so that headers can be sent and failures seen.

import { failure, get } from '../http.js'
import { LinkMonitor } from '../link-monitor.js'
import type { LinkContext, Link, Observer, Welcome } from '../link.js'
import { SseParser, type SseMessage } from '../sse-parser.js'

export function sse(context: LinkContext, since: string | undefined, observer: Observer): Link {
  return new SseLink(context, since, observer)
}

class SseLink implements Link {
  readonly #monitor: LinkMonitor
  readonly #abort = new AbortController()
  #retry: number | undefined

  constructor(
    private readonly context: LinkContext,
    since: string | undefined,
    observer: Observer
  ) {
    this.#monitor = new LinkMonitor(context, observer, () => this.#abort.abort())
    this.#read(since).catch((error: Error) => this.#failed(error))
  }

  retire(): void {
    this.close()
  }

  close(): void {
    this.#monitor.close()
  }

  async #read(since: string | undefined): Promise<void> {
    const headers = { Accept: 'text/event-stream' }
    const response = await get(this.context, { transport: 'sse', since }, headers, this.#abort.signal)
    if (response.status === 204) return this.#monitor.end({ why: 'final', error: new Error('the server has said no more') })
    if (!response.ok) return this.#monitor.end(await failure(response))
    if (!response.headers.get('content-type')?.startsWith('text/event-stream') || !response.body) {
      return this.#monitor.end({ why: 'refused', error: new Error('the answer is not a stream of events') })
    }
    const parser = new SseParser({
      message: (message) => this.#receive(message),
      retry: (ms) => {
        this.#retry = ms
      }
    })
    const reader = response.body.getReader()
    const decoder = new TextDecoder('utf-8', { ignoreBOM: true })
    for (;;) {
      const { done, value } = await reader.read()
      if (done || this.#monitor.isOver) break
      this.#monitor.heard()
      parser.push(decoder.decode(value, { stream: true }))
    }
    this.#ended()
  }

  #receive({ type, data, id }: SseMessage): void {
    const message = JSON.parse(data)
    switch (type) {
      case 'message':
        return this.#monitor.event({ ...message, cursor: id })
      case 'ready':
        return message.event === 'busy' ? this.#busy(message.data) : this.#open(message.data)
      case 'hb':
        return this.#monitor.heartbeat(id)
      case 'reset':
        return this.#monitor.reset(message.data)
    }
  }

  #open(welcome: Welcome): void {
    this.#monitor.opened(welcome, Infinity)
    void this.context.heartbeat().then((every) => this.#monitor.expectWithin(every + this.context.grace))
  }

  /** A server without room says when to come again. */
  #busy({ retryAfterMs }: { retryAfterMs: number }): void {
    this.#monitor.end({ why: 'busy', error: new Error('the server has no room'), after: retryAfterMs })
  }

  /** A server cuts its streams off, also when it means to end them; it says goodbye then, so it was not quiet.
   *  A stream cannot be asked to be less quiet, so a network that cuts quiet ones is like one that is silent. */
  #failed(error: Error): void {
    this.#monitor.noteCut()
    const why = this.context.idle.keepAlive === undefined ? 'lost' : 'silent'
    this.#monitor.end({ why: this.#monitor.isOpen ? why : 'refused', error, retry: this.#retry })
  }

  /** Behind some proxies a stream has a proper end. */
  #ended(): void {
    this.#monitor.end({ why: 'lost', error: new Error('the stream has ended'), retry: this.#retry })
  }
}
