// The search for a better transport beside the live link: one after the other is tried, until one is taken or the search
// is called off.

import type { TransportName } from './ladder.js'
import type { Link } from './link.js'
import type { Auth } from './login.js'

/** A link and what is known of it. */
export interface Dial {
  readonly name: TransportName
  link: Link | undefined
  /** The secret of its session. */
  connectionToken: string | undefined
  /** The login that it carries. */
  auth: Auth | undefined
}

export class Probe {
  #dial: Dial | undefined
  #settle: (taken: boolean) => void = () => {}
  #search = 0

  constructor(private readonly open: (step: TransportName) => Dial) {}

  /** Tries these transports; says whether one was taken. Ends a search that is under way. */
  async search(steps: readonly TransportName[]): Promise<boolean> {
    this.end()
    const search = this.#search
    for (const step of steps) {
      const taken = await new Promise<boolean>((settle) => {
        this.#settle = settle
        this.#dial = this.open(step)
      })
      if (taken) return true
      if (search !== this.#search) return false
    }
    return false
  }

  /** Says whether this is the link that is being tried. */
  isTrying(dial: Dial): boolean {
    return dial === this.#dial
  }

  /** Takes the link that is being tried. */
  take(): void {
    this.#dial = undefined
    this.#settle(true)
  }

  /** Opens the link that is being tried once more. */
  again(): void {
    const dial = this.#dial
    if (!dial) return
    this.#dial = this.open(dial.name)
    dial.link?.close()
  }

  /** Goes on to the next transport. */
  next(): void {
    const dial = this.#dial
    this.#dial = undefined
    dial?.link?.close()
    this.#settle(false)
  }

  /** Calls the search off. */
  end(): void {
    this.#search += 1
    this.next()
  }
}
