// The search for a better transport beside the live link: one after the other is tried, until one is taken or the search
// is called off.

import type { TransportName } from './transport-fallback.js'
import type { Link } from './link.js'
import type { Auth } from './login.js'

/** A link and what is known of it. */
export interface Attempt {
  readonly name: TransportName
  link: Link | undefined
  /** The secret of its session. */
  connectionToken: string | undefined
  /** The login that it carries. */
  auth: Auth | undefined
}

export class Probe {
  #attempt: Attempt | undefined
  #settle: (taken: boolean) => void = () => {}
  #search = 0

  constructor(private readonly open: (step: TransportName) => Attempt) {}

  /** Tries these transports; says whether one was taken. Ends a search that is under way. */
  async search(steps: readonly TransportName[]): Promise<boolean> {
    this.end()
    const search = this.#search
    for (const step of steps) {
      const taken = await new Promise<boolean>((settle) => {
        this.#settle = settle
        this.#attempt = this.open(step)
      })
      if (taken) return true
      if (search !== this.#search) return false
    }
    return false
  }

  /** Says whether this is the link that is being tried. */
  isTrying(attempt: Attempt): boolean {
    return attempt === this.#attempt
  }

  /** Takes the link that is being tried. */
  take(): void {
    this.#attempt = undefined
    this.#settle(true)
  }

  /** Opens the link that is being tried once more. */
  again(): void {
    const attempt = this.#attempt
    if (!attempt) return
    this.#attempt = this.open(attempt.name)
    attempt.link?.close()
  }

  /** Tries the next transport. */
  next(): void {
    const attempt = this.#attempt
    this.#attempt = undefined
    attempt?.link?.close()
    this.#settle(false)
  }

  /** Ends the search. */
  end(): void {
    this.#search += 1
    this.next()
  }
}
