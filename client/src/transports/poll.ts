// Polling: requests that wait for events, or requests now and then. The client holds the cursor and the server takes
// nothing away, so an answer that is lost on its way is simply asked for again.

import { Backoff } from '../backoff.js'
import type { Timer } from '../clock.js'
import { failure, get } from '../http.js'
import { LinkMonitor } from '../link-monitor.js'
import type { End, LinkContext, Link, Observer, Reset, ServiceEvent } from '../link.js'
import { CONNECTION_TOKEN } from '../login.js'

/** The answer to a poll. */
interface Answer {
  events: (Omit<ServiceEvent, 'cursor'> & { id: string })[]
  cursor: string
  connectionToken: string
  more?: boolean
  reset?: Reset
  retryAfterMs?: number
}

/** How long a poll waits at most, in seconds: less than common proxies allow. */
const WAIT = 25
/** How often to ask when the server does not say, in milliseconds. */
const INTERVAL = 3_000
/** How many requests in a row may fail before the link is lost. */
const RETRIES = 3
/** The first wait after a request that failed is below this, in milliseconds. */
const RETRY = 250

export function longpoll(context: LinkContext, since: string | undefined, observer: Observer): Link {
  return new PollLink(context, since, observer, true)
}

export function poll(context: LinkContext, since: string | undefined, observer: Observer): Link {
  return new PollLink(context, since, observer, false)
}

class PollLink implements Link {
  readonly #monitor: LinkMonitor
  readonly #backoff: Backoff
  /** Of the poll that is under way: a signal for all of them would gather listeners. */
  #abort = new AbortController()
  #token: string | undefined
  #interval = INTERVAL
  #pause: Timer
  #wake = () => {}

  constructor(
    private readonly context: LinkContext,
    private since: string | undefined,
    observer: Observer,
    private readonly holds: boolean
  ) {
    this.#backoff = new Backoff(context.clock.random, RETRY)
    this.#monitor = new LinkMonitor(context, observer, () => this.#tearDown())
    this.#run().catch((error: Error) => this.#monitor.end({ why: 'lost', error }))
  }

  retire(): void {
    this.close()
  }

  close(): void {
    this.#monitor.close()
  }

  async #run(): Promise<void> {
    while (!this.#monitor.isOver) {
      const end = await this.#ask()
      if (!end) continue
      const again = this.#monitor.isOpen && (end.why === 'lost' || end.why === 'refused') && this.#backoff.tries < RETRIES
      if (!again) return this.#monitor.end(end)
      await this.#sleep(this.#backoff.next())
    }
  }

  /** Sends one poll and applies its answer; returns what went wrong. */
  async #ask(): Promise<End | undefined> {
    // The first answer opens the link, so it must not wait.
    const wait = this.holds && this.#monitor.isOpen ? this.#wait() : 0
    const conditional = !this.holds && this.#token !== undefined
    const sentAt = this.context.clock.now()
    this.#monitor.heard()
    this.#monitor.expectWithin(wait * 1_000 + this.context.grace)
    this.#abort = new AbortController()
    let anonymous = false
    let response: Response
    let answer: Answer | undefined
    try {
      anonymous = !('Authorization' in (await this.context.headers()))
      response = await this.#get(wait, conditional)
      if (response.ok) answer = await response.json()
    } catch (error) {
      if (!this.#monitor.isOver && wait > 0) this.context.idle.cut(this.context.clock.now() - sentAt)
      return { why: 'lost', error: error as Error }
    }
    if (response.status !== 304 && !answer) {
      const end = await failure(response)
      // A login has overtaken this poll, which left without it: the next one carries it.
      return response.status === 401 && anonymous && this.#monitor.isOpen ? { ...end, why: 'lost' } : end
    }
    this.#monitor.heard()
    this.#backoff.reset()
    if (answer) this.#apply(answer)
    if (!this.holds && !answer?.more) await this.#sleep(this.#interval)
    return undefined
  }

  #get(wait: number, conditional: boolean): Promise<Response> {
    const query = { transport: 'poll', since: this.since, wait: String(wait) }
    const headers: Record<string, string> = { Accept: 'application/json' }
    if (this.#token !== undefined) headers[CONNECTION_TOKEN] = this.#token
    if (conditional) headers['If-None-Match'] = `"${this.since}"`
    return get(this.context, query, headers, this.#abort.signal)
  }

  #apply(answer: Answer): void {
    const { events, cursor, connectionToken, reset } = answer
    const recovered = this.since !== undefined && reset === undefined
    const welcome = { connectionToken, cursor, recovered, reset }
    if (this.#token !== undefined && this.#token !== connectionToken) this.#monitor.moved(welcome)
    this.#token = connectionToken
    this.#interval = answer.retryAfterMs ?? this.#interval
    this.since = cursor
    if (!this.#monitor.isOpen) this.#monitor.opened(welcome, this.context.grace)
    else if (reset) this.#monitor.reset(reset)
    for (const { id, path, event, data } of events) this.#monitor.event({ path, event, data, cursor: id })
    this.#monitor.heartbeat(cursor)
  }

  /** Returns for how many seconds a poll waits: less if the network does not leave it alone for long. */
  #wait(): number {
    const { keepAlive } = this.context.idle
    return keepAlive === undefined ? WAIT : Math.min(WAIT, Math.max(1, Math.floor(keepAlive / 1_000)))
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#monitor.isOver) return
    this.#monitor.expectWithin(this.#monitor.quiet + ms + this.context.grace)
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#pause = this.context.clock.setTimeout(resolve, ms)
    })
  }

  #tearDown(): void {
    this.context.clock.clearTimeout(this.#pause)
    this.#wake()
    this.#abort.abort()
    const token = this.#token
    if (token === undefined) return
    // The server need not wait for a poll that will not come.
    const { context } = this
    const end = (headers: Record<string, string>) =>
      context.fetch(context.url, {
        method: 'DELETE',
        headers: { ...headers, [CONNECTION_TOKEN]: token },
        keepalive: true,
        credentials: context.credentials
      })
    void context
      .headers()
      .then(end)
      .catch(() => {})
  }
}
