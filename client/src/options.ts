// What can be set, and what is taken otherwise.

import { systemClock, type Clock } from './clock.js'
import { TRANSPORTS, type TransportName } from './transport-fallback.js'
import type { Storage } from './transport-memory.js'

export interface RealtimeOptions {
  /** The transports to use, in this order; all of them if left out. */
  transports?: readonly TransportName[]
  /** The path of the realtime endpoint: `/realtime`. */
  path?: string
  /** `false`: connect only when `connect()` is called. */
  autoConnect?: boolean
  /** Headers of all HTTP requests, or a function that is asked before each; WebSockets have none. */
  headers?: Record<string, string> | (() => Record<string, string> | Promise<Record<string, string>>)
  /** The path of the service that logs in and out: `authentication`. */
  authentication?: string
  /** Whether cookies are sent to other origins: `same-origin`. */
  credentials?: RequestCredentials
  /** A cursor to resume from, kept from an earlier page. */
  since?: string
  /** How many calls may wait while the connection is lost; 0: they are rejected at once. */
  queue?: number
  /** How many milliseconds a transport may take to open: 4,000. */
  openTimeout?: number
  /** How many milliseconds late a heartbeat may be: 10,000. */
  grace?: number
  /** How many milliseconds a connection must last before waits begin small again: 60,000. */
  stableAfter?: number
  /** The `WebSocket` of the platform; Node 20 has none, so give it that of `ws`, or it is left out. */
  WebSocket?: unknown
  fetch?: typeof fetch
  /** Where to remember which transport got through: `sessionStorage`. */
  storage?: Storage
  /** Time and chance, for tests. */
  clock?: Clock
}

export interface Settings {
  transports: readonly TransportName[]
  headers(): Promise<Record<string, string>>
  /** Whether headers may be others next time. */
  asksHeaders: boolean
  authentication: string
  credentials: RequestCredentials
  queue: number
  openTimeout: number
  grace: number
  stableAfter: number
  WebSocket: typeof WebSocket | undefined
  fetch: typeof fetch
  clock: Clock
}

/** Fills in the defaults. */
export function settle(options: RealtimeOptions): Settings {
  const socket = (options.WebSocket ?? globalThis.WebSocket) as typeof WebSocket | undefined
  const asked = options.transports ?? TRANSPORTS
  for (const name of asked) {
    if (!TRANSPORTS.includes(name)) throw new Error(`unknown transport '${name}': use ${TRANSPORTS.join(', ')}`)
  }
  const { headers = {} } = options
  return {
    transports: asked.filter((name) => name !== 'websocket' || socket !== undefined),
    headers: async () => ({ ...(typeof headers === 'function' ? await headers() : headers) }),
    asksHeaders: typeof headers === 'function',
    authentication: options.authentication ?? 'authentication',
    credentials: options.credentials ?? 'same-origin',
    queue: options.queue ?? 0,
    openTimeout: options.openTimeout ?? 4_000,
    grace: options.grace ?? 10_000,
    stableAfter: options.stableAfter ?? 60_000,
    WebSocket: socket,
    fetch: options.fetch ?? ((input, init) => globalThis.fetch(input, init)),
    clock: options.clock ?? systemClock
  }
}
