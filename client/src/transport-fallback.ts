// Which transport to use: the best one that gets through.
//
// A step that was never open is left at once for the next one. A step that has been open before is tried a few times,
// since the server may only be restarting. A step that opens and then falls silent, as behind a proxy that holds back
// what it should pass on, is left when that happens twice in a minute. From a lower step the higher ones are tried again,
// ever more rarely.

/** The transports by name, the best one first. */
export const TRANSPORTS = ['websocket', 'sse', 'longpoll', 'poll'] as const

export type TransportName = (typeof TRANSPORTS)[number]

/** What to do after a try that failed: the next step at once, the same step after a wait, or the first after a wait. */
export type Then = 'next' | 'again' | 'exhausted'

/** How often a step that has been open before is tried before it is left. */
const PATIENCE = 3
/** Two silences within this time are one too many. */
const SILENCES_WITHIN = 60_000
const FIRST_PROBE = 60_000
const RAREST_PROBE = 3_600_000

export class TransportFallback {
  #at: number
  #misses = 0
  #silences: number[] = []
  #proven = new Set<TransportName>()
  #probe = FIRST_PROBE

  /** @param steps never empty
   *  @param start where to begin, if it is one of the steps */
  constructor(
    readonly steps: readonly TransportName[],
    start?: TransportName
  ) {
    if (steps.length === 0) throw new Error('no transport is available here')
    this.#at = Math.max(0, start === undefined ? 0 : steps.indexOf(start))
  }

  get current(): TransportName {
    return this.steps[this.#at] as TransportName
  }

  /** The steps above the current one, the best one first. */
  get higher(): readonly TransportName[] {
    return this.steps.slice(0, this.#at)
  }

  /** Takes note that a step is open, and stands on it. */
  opened(step: TransportName): void {
    if (step !== this.current) this.#silences = []
    this.#at = this.steps.indexOf(step)
    this.#misses = 0
    this.#proven.add(step)
  }

  /** Takes note that the current step did not open. */
  failed(): Then {
    this.#misses += 1
    if (this.#proven.has(this.current) && this.#misses < PATIENCE) return 'again'
    this.#misses = 0
    const last = this.#at === this.steps.length - 1
    this.#at = last ? 0 : this.#at + 1
    return last ? 'exhausted' : 'next'
  }

  /** Takes note that the current step was open and fell silent; `true` if it is left for that. */
  silent(now: number): boolean {
    this.#silences = [...this.#silences.filter((at) => now - at < SILENCES_WITHIN), now]
    if (this.#silences.length < 2 || this.#at === this.steps.length - 1) return false
    this.#silences = []
    this.#at += 1
    return true
  }

  /** Returns after how many milliseconds the higher steps should be tried; `undefined` if there are none. */
  nextProbe(): number | undefined {
    if (this.#at === 0) return undefined
    const wait = this.#probe
    this.#probe = Math.min(RAREST_PROBE, wait * 2)
    return wait
  }

  /** Forgets what it knows of the network, since it may be another one. */
  networkChanged(): void {
    this.#probe = FIRST_PROBE
    this.#silences = []
  }
}
