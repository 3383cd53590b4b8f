// What the server says of itself. It is asked for only where a client needs to know: not over a WebSocket.

import type { Clock } from './clock.js'

/** How often streams send something when the server does not say, in milliseconds. */
const HEARTBEAT = 25_000
/** How long the answer may take before the default is taken. */
const PATIENCE = 10_000

export class ServerInfo {
  #heartbeat: Promise<number> | undefined

  /** @param ask asks the server */
  constructor(
    private readonly ask: (signal: AbortSignal) => Promise<Response>,
    private readonly clock: Clock
  ) {}

  /** Returns how often a stream sends something, in milliseconds; asks once. */
  heartbeat(): Promise<number> {
    this.#heartbeat ??= this.#read().catch(() => {
      this.#heartbeat = undefined
      return HEARTBEAT
    })
    return this.#heartbeat
  }

  async #read(): Promise<number> {
    const abort = new AbortController()
    const timer = this.clock.setTimeout(() => abort.abort(), PATIENCE)
    try {
      const { heartbeatMs } = await (await this.ask(abort.signal)).json()
      return typeof heartbeatMs === 'number' ? heartbeatMs : HEARTBEAT
    } finally {
      this.clock.clearTimeout(timer)
    }
  }
}
