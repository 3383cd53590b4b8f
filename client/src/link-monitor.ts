// What every link does alike: it opens in time or not at all, sends something or is silent, and ends once.

import type { Timer } from './clock.js'
import type { End, LinkContext, Observer, Reset, ServiceEvent, Welcome } from './link.js'

export class LinkMonitor {
  #timer: Timer
  #heardAt: number
  #limit: number
  #open = false
  #over = false

  /** @param tearDown frees what the link holds; called once */
  constructor(
    private readonly context: LinkContext,
    private readonly observer: Observer,
    private readonly tearDown: () => void
  ) {
    this.#limit = context.openTimeout
    this.#heardAt = context.clock.now()
    this.#timer = context.clock.setTimeout(() => this.#check(), this.#limit)
  }

  get isOver(): boolean {
    return this.#over
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** How many milliseconds nothing has come. */
  get quiet(): number {
    return this.context.clock.now() - this.#heardAt
  }

  /** Takes note that something has come. */
  heard(): void {
    this.#heardAt = this.context.clock.now()
  }

  /** Sets after how many milliseconds without anything the link is silent. */
  expectWithin(ms: number): void {
    if (this.#over || !this.#open) return
    this.#limit = ms
    this.#arm()
  }

  /** @param silentAfter after how many milliseconds without anything the link is silent */
  opened(welcome: Welcome, silentAfter: number): void {
    if (this.#over || this.#open) return
    this.#open = true
    this.heard()
    this.expectWithin(silentAfter)
    this.observer.opened(welcome)
  }

  event(event: ServiceEvent): void {
    if (!this.#over) this.observer.event(event)
  }

  heartbeat(cursor: string): void {
    if (!this.#over) this.observer.heartbeat(cursor)
  }

  reset(reset: Reset): void {
    if (!this.#over) this.observer.reset(reset)
  }

  moved(welcome: Welcome): void {
    if (!this.#over) this.observer.moved(welcome)
  }

  /** Ends the link, unless it is over. */
  end(end: End): void {
    if (this.#over) return
    if (end.why === 'lost' && !this.#open) end = { ...end, why: 'refused' }
    this.close()
    this.observer.ended(end)
  }

  /** Takes note that the network has cut the link without a word. */
  noteCut(): void {
    if (!this.#over && this.#open) this.context.idle.cut(this.quiet)
  }

  /** Ends the link without telling the observer. */
  close(): void {
    if (this.#over) return
    this.#over = true
    this.context.clock.clearTimeout(this.#timer)
    this.tearDown()
  }

  #arm(): void {
    this.context.clock.clearTimeout(this.#timer)
    if (this.#limit === Infinity) return
    this.#timer = this.context.clock.setTimeout(() => this.#check(), Math.max(1, this.#limit - this.quiet))
  }

  #check(): void {
    // One timer that looks at the time of the last message is cheaper than a new timer for each.
    if (this.#open && this.quiet < this.#limit) return this.#arm()
    const error = new Error(this.#open ? `nothing came for ${this.#limit} ms` : `not open after ${this.#limit} ms`)
    this.end({ why: this.#open ? 'silent' : 'refused', error })
  }
}
