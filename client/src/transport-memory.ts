// Remembers which transport got through, so that the next page does not find out again.

import { TRANSPORTS, type TransportName } from './transport-fallback.js'

/** What is needed of `sessionStorage`. */
export interface Storage {
  getItem(key: string): string | null
  setItem(key: string, value: string): void
}

const DAY = 86_400_000

export class TransportMemory {
  readonly #key: string

  constructor(
    url: string,
    private readonly storage: Storage | undefined = pageStorage()
  ) {
    this.#key = `feathers-realtime ${url}`
  }

  /** Returns the transport of less than a day ago. */
  recall(): TransportName | undefined {
    try {
      const { name, at } = JSON.parse(this.storage?.getItem(this.#key) ?? '{}')
      return Date.now() - at < DAY && TRANSPORTS.includes(name) ? name : undefined
    } catch {
      return undefined
    }
  }

  save(name: TransportName): void {
    try {
      this.storage?.setItem(this.#key, JSON.stringify({ name, at: Date.now() }))
    } catch {
      // A full storage costs a few tries at the next start, and nothing else.
    }
  }
}

/** Reading the property alone throws where a page may not store anything. */
function pageStorage(): Storage | undefined {
  try {
    return globalThis.sessionStorage
  } catch {
    return undefined
  }
}
