// How long to wait before the next try: "full jitter", a random time below a bound that doubles.
//
// Clients that were cut off together must not reconnect together, and one that fails again and again must become rare.

export class Backoff {
  #tries = 0

  /** @param first the first bound in milliseconds; servers may say another one
   *  @param longest no bound is longer than this */
  constructor(
    private readonly random: () => number,
    private first = 1_000,
    private readonly longest = 30_000
  ) {}

  /** How many waits there have been since the last reset. */
  get tries(): number {
    return this.#tries
  }

  /** Returns the next wait in milliseconds. */
  next(): number {
    const bound = Math.min(this.longest, this.first * 2 ** this.#tries)
    this.#tries += 1
    return Math.floor(this.random() * bound)
  }

  /** Takes over the bound that the server asks for. */
  startWith(first: number): void {
    this.first = Math.max(1, Math.min(first, this.longest))
  }

  reset(): void {
    this.#tries = 0
  }
}
