// What a transport is: something that opens a link to the server and tells an observer what comes.

import type { Clock } from './clock.js'
import type { IdleTimeout } from './idle-timeout.js'
import type { Auth } from './login.js'

/** A call of a service. */
export interface Call {
  path: string
  method: string
  id?: unknown
  data?: unknown
  query?: Record<string, unknown> | undefined
  /** Values for the placeholders of the path. */
  route?: Record<string, string> | undefined
  /** Sent only with calls that go by HTTP. */
  headers?: Record<string, string> | undefined
}

/** An event of a service. */
export interface ServiceEvent {
  path: string
  event: string
  data: unknown
  cursor: string
}

/** The server could not tell what was missed: the app must read its data again. */
export interface Reset {
  /** `epoch`, `trimmed`, `future`, `limit`, `lagged`, `bad-cursor` or `principal`. */
  reason: string
  /** The cursor from which events continue. */
  cursor: string
  /** The oldest cursor that could have been resumed from. */
  oldest?: string
}

/** The first message of the server. */
export interface Welcome {
  /** The secret of the session. */
  connectionToken: string
  cursor: string
  /** Whether everything since the given cursor follows. */
  recovered: boolean
  reset?: Reset | undefined
}

/** Why a link is over.
 *
 * | why | meaning |
 * |---|---|
 * | `refused` | this transport does not get through |
 * | `lost` | the connection was cut, or the server goes away |
 * | `silent` | nothing came for longer than a heartbeat |
 * | `busy` | the server has no room now |
 * | `unauthenticated` | the server does not take the login, or it is over; another transport would not help |
 * | `denied` | the server refuses this client; another transport would not help |
 * | `final` | this client is not to come back */
export interface End {
  why: 'refused' | 'lost' | 'silent' | 'busy' | 'unauthenticated' | 'denied' | 'final'
  error?: Error | undefined
  /** The server's wish: reconnect after so many milliseconds. */
  after?: number | undefined
  /** The server's wish: wait about so long before a reconnect. */
  retry?: number | undefined
}

/** Gets what a link brings; after `ended`, nothing more. */
export interface Observer {
  /** A message of the protocol has come: not before this is a link open. */
  opened(welcome: Welcome): void
  event(event: ServiceEvent): void
  heartbeat(cursor: string): void
  reset(reset: Reset): void
  /** The server has lost the session, and continues with another one. */
  moved(welcome: Welcome): void
  ended(end: End): void
}

/** A connection, or the wish for one. */
export interface Link {
  /** Sends a call; without this, calls go by HTTP. `undefined` if the call cannot go this way. */
  call?(call: Call): Promise<unknown> | undefined
  /** Ends when the calls that are under way are answered. */
  retire(): void
  /** Ends now. The observer gets no `ended`. */
  close(): void
}

/** What all links need. */
export interface LinkContext {
  /** The realtime URL, absolute. */
  url: URL
  clock: Clock
  idle: IdleTimeout
  fetch: typeof fetch
  WebSocket: typeof WebSocket | undefined
  /** How many milliseconds a link may take to open. */
  openTimeout: number
  /** How many milliseconds late a heartbeat may be. */
  grace: number
  /** Returns the login of a link that is opened now. */
  auth(): Auth | undefined
  /** Returns the headers that all requests are sent with: the app's own and the login. */
  headers(): Promise<Record<string, string>>
  /** Returns how often a stream sends something, in milliseconds. */
  heartbeat(): Promise<number>
  credentials: RequestCredentials
}

/** Opens a link. The observer is not called before this has returned. */
export type Transport = (context: LinkContext, since: string | undefined, observer: Observer) => Link
