// Calls that wait for a connection, as many as are allowed.

import { Disconnected } from './disconnected.js'

interface Waiter {
  go(): void
  fail(error: Error): void
}

export class CallQueue {
  #waiters: Waiter[] = []

  /** Resolves when the connection stands; rejects at once if `limit` others wait already. */
  join(limit: number): Promise<void> {
    if (this.#waiters.length >= limit) return Promise.reject(new Disconnected('there is no connection', false))
    return new Promise((go, fail) => this.#waiters.push({ go, fail }))
  }

  release(): void {
    for (const { go } of this.#waiters.splice(0)) go()
  }

  /** Rejects all but the first `keep`. */
  fail(keep: number): void {
    for (const { fail } of this.#waiters.splice(keep)) fail(new Disconnected('there is no connection', false))
  }
}
