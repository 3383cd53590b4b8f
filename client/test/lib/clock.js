// Time that moves only when a test says so.

export class ManualClock {
  #now = 0
  #timers = new Map()
  #last = 0

  /** Chance is fixed: waits are half of their bound. */
  random = () => 0.5
  now = () => this.#now

  setTimeout = (run, ms) => {
    this.#last += 1
    this.#timers.set(this.#last, { at: this.#now + ms, run })
    return this.#last
  }

  clearTimeout = (timer) => {
    this.#timers.delete(timer)
  }

  /** Lets time pass; what is due runs in order, each with all that it causes. */
  async pass(ms) {
    const end = this.#now + ms
    await settled()
    for (;;) {
      const due = [...this.#timers].filter(([, { at }]) => at <= end).sort(([, a], [, b]) => a.at - b.at)[0]
      if (!due) break
      this.#timers.delete(due[0])
      this.#now = due[1].at
      due[1].run()
      await settled()
    }
    this.#now = end
  }
}

/** Resolves when all promises that can go on have done so. */
export const settled = () => new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
