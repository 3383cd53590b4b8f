// What a connection reports of itself.

import type { TransportName } from './transport-fallback.js'
import type { End, Reset } from './link.js'

/** `connecting` only until the first connection stands or could not be had. */
export type State = 'idle' | 'connecting' | 'connected' | 'reconnecting' | 'closed'

/** The events of `app.realtime`, and what their listeners get. */
export interface RealtimeEvents {
  /** The connection stands, or the server has put another one in its place. `recovered`: nothing was missed since the last
   *  one. */
  connect: (info: { transport: TransportName; recovered: boolean }) => void
  /** The connection is lost, or closed from here. */
  disconnect: (info: { reason: End['why'] | 'closed'; error?: Error | undefined }) => void
  /** The next try begins in `delay` milliseconds. */
  reconnecting: (info: { attempt: number; delay: number }) => void
  /** Events and calls take another transport from now on. */
  transport: (name: TransportName, previous: TransportName | undefined) => void
  /** Events may have been missed, and why: the page must read its data again. */
  reset: (reset: Reset) => void
  /** The login is no longer valid, and is forgotten. The connection continues without it. */
  unauthenticated: (error: Error) => void
  /** No transport gets through, or the server does not want this client; in the latter case the state is `closed`. */
  error: (error: Error) => void
}
