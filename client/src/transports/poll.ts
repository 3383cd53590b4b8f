// Polling: requests that wait for events, or requests now and then. The client holds the cursor and the server takes
// nothing away, so an answer that is lost on its way is simply asked for again.

import { Backoff } from '../backoff.js'
import type { Timer } from '../clock.js'
import { failure, get } from '../http.js'
import { Line } from '../line.js'
import type { End, Host, Link, Observer, Reset, ServiceEvent } from '../link.js'
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

export function longpoll(host: Host, since: string | undefined, observer: Observer): Link {
  return new PollLink(host, since, observer, true)
}

export function poll(host: Host, since: string | undefined, observer: Observer): Link {
  return new PollLink(host, since, observer, false)
}

class PollLink implements Link {
  readonly #line: Line
  readonly #backoff: Backoff
  /** Of the poll that is under way: a signal for all of them would gather listeners. */
  #abort = new AbortController()
  #token: string | undefined
  #interval = INTERVAL
  #pause: Timer
  #wake = () => {}

  constructor(
    private readonly host: Host,
    private since: string | undefined,
    observer: Observer,
    private readonly holds: boolean
  ) {
    this.#backoff = new Backoff(host.clock.random, RETRY)
    this.#line = new Line(host, observer, () => this.#tearDown())
    this.#run().catch((error: Error) => this.#line.end({ why: 'lost', error }))
  }

  retire(): void {
    this.close()
  }

  close(): void {
    this.#line.close()
  }

  async #run(): Promise<void> {
    while (!this.#line.isOver) {
      const end = await this.#ask()
      if (!end) continue
      const again = this.#line.isOpen && (end.why === 'lost' || end.why === 'refused') && this.#backoff.tries < RETRIES
      if (!again) return this.#line.end(end)
      await this.#sleep(this.#backoff.next())
    }
  }

  /** Sends one poll and applies its answer; returns what went wrong. */
  async #ask(): Promise<End | undefined> {
    // The first answer opens the link, so it must not wait.
    const wait = this.holds && this.#line.isOpen ? this.#wait() : 0
    const conditional = !this.holds && this.#token !== undefined
    const sentAt = this.host.clock.now()
    this.#line.heard()
    this.#line.expectWithin(wait * 1_000 + this.host.grace)
    this.#abort = new AbortController()
    let anonymous = false
    let response: Response
    let answer: Answer | undefined
    try {
      anonymous = !('Authorization' in (await this.host.headers()))
      response = await this.#get(wait, conditional)
      if (response.ok) answer = await response.json()
    } catch (error) {
      if (!this.#line.isOver && wait > 0) this.host.idle.cut(this.host.clock.now() - sentAt)
      return { why: 'lost', error: error as Error }
    }
    if (response.status !== 304 && !answer) {
      const end = await failure(response)
      // A login has overtaken this poll, which left without it: the next one carries it.
      return response.status === 401 && anonymous && this.#line.isOpen ? { ...end, why: 'lost' } : end
    }
    this.#line.heard()
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
    return get(this.host, query, headers, this.#abort.signal)
  }

  #apply(answer: Answer): void {
    const { events, cursor, connectionToken, reset } = answer
    const recovered = this.since !== undefined && reset === undefined
    const welcome = { connectionToken, cursor, recovered, reset }
    if (this.#token !== undefined && this.#token !== connectionToken) this.#line.moved(welcome)
    this.#token = connectionToken
    this.#interval = answer.retryAfterMs ?? this.#interval
    this.since = cursor
    if (!this.#line.isOpen) this.#line.opened(welcome, this.host.grace)
    else if (reset) this.#line.reset(reset)
    for (const { id, path, event, data } of events) this.#line.event({ path, event, data, cursor: id })
    this.#line.heartbeat(cursor)
  }

  /** Returns for how many seconds a poll waits: less if the network does not leave it alone for long. */
  #wait(): number {
    const { keepAlive } = this.host.idle
    return keepAlive === undefined ? WAIT : Math.min(WAIT, Math.max(1, Math.floor(keepAlive / 1_000)))
  }

  async #sleep(ms: number): Promise<void> {
    if (this.#line.isOver) return
    this.#line.expectWithin(this.#line.quiet + ms + this.host.grace)
    await new Promise<void>((resolve) => {
      this.#wake = resolve
      this.#pause = this.host.clock.setTimeout(resolve, ms)
    })
  }

  #tearDown(): void {
    this.host.clock.clearTimeout(this.#pause)
    this.#wake()
    this.#abort.abort()
    const token = this.#token
    if (token === undefined) return
    // The server need not wait for a poll that will not come.
    const { host } = this
    const end = (headers: Record<string, string>) =>
      host.fetch(host.url, {
        method: 'DELETE',
        headers: { ...headers, [CONNECTION_TOKEN]: token },
        keepalive: true,
        credentials: host.credentials
      })
    void host
      .headers()
      .then(end)
      .catch(() => {})
  }
}
