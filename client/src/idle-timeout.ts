// How long the network leaves a quiet connection alone.
//
// Some proxies and routers cut quiet connections after a while, often for less time than the server's heartbeat takes.
// Two cuts alike are taken for such a limit; WebSockets then speak up in time, and polls wait for less.

/** Cuts after less quiet than this say nothing about a limit, in milliseconds. */
const SHORTEST = 2_000
/** How much two cuts by the same limit differ at most; cuts by chance differ more. */
const ALIKE = 0.2

export class IdleTimeout {
  #last = 0
  #limit: number | undefined

  /** Takes note that a connection was cut after so many milliseconds of quiet. */
  cut(quiet: number): void {
    if (quiet < SHORTEST) return
    const limit = Math.min(quiet, this.#last)
    if (Math.max(quiet, this.#last) - limit <= limit * ALIKE) this.#limit = Math.min(limit, this.#limit ?? limit)
    this.#last = quiet
  }

  /** Returns how often a connection needs traffic to live, in milliseconds; `undefined` if nothing is known. */
  get keepAlive(): number | undefined {
    return this.#limit === undefined ? undefined : this.#limit / 2
  }

  /** Forgets it, since the network may be another one. */
  forget(): void {
    this.#last = 0
    this.#limit = undefined
  }
}
