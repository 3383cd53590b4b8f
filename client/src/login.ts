// The login of an app, which every connection carries, so that a client that reconnects is the same user and gets what
// this user has missed.
//
// It is found out from the calls themselves: a login calls `create` on the authentication service, be it by the official
// authentication client or by the app, and a logout calls `remove`. The token is kept in memory only, and leaves it only
// in headers and messages: URLs are written into logs.

import type { Call } from './link.js'

/** The header that names a session by its secret, which is no login. */
export const CONNECTION_TOKEN = 'X-Connection-Token'

/** The credentials that a connection carries. */
export interface Auth {
  readonly strategy: 'jwt'
  readonly accessToken: string
}

export class Login {
  readonly #path: string
  #auth: Auth | undefined
  #used = false

  /** @param path the path of the authentication service */
  constructor(path: string) {
    this.#path = withoutSlashes(path)
  }

  /** What connections carry, the same object while the token is the same; `undefined` while no user is logged in. */
  get auth(): Auth | undefined {
    return this.#auth
  }

  /** Whether a user has ever logged in. */
  get isUsed(): boolean {
    return this.#used
  }

  /** Says whether this call logs in or out. */
  isChangedBy({ path, method }: Call): boolean {
    return (method === 'create' || method === 'remove') && withoutSlashes(path) === this.#path
  }

  /** Takes note of a login or logout. A login without a token cannot be carried. */
  accepted(call: Call, result: unknown): void {
    const { accessToken } = (call.method === 'create' ? (result ?? {}) : {}) as Partial<Auth>
    if (typeof accessToken !== 'string') this.#auth = undefined
    else if (accessToken !== this.#auth?.accessToken) this.#auth = { strategy: 'jwt', accessToken }
    this.#used ||= this.#auth !== undefined
  }

  /** Takes note that a login or logout was refused. One with the present token says that this is no longer valid. */
  refused({ method, data }: Call, error: unknown): void {
    if ((error as { code?: unknown } | undefined)?.code !== 401) return
    const { accessToken } = (data ?? {}) as Partial<Auth>
    if (method === 'remove' || accessToken === this.#auth?.accessToken) this.#auth = undefined
  }

  /** Forgets this login; `false` if another one has come meanwhile. */
  forget(auth: Auth): boolean {
    if (auth !== this.#auth) return false
    this.#auth = undefined
    return true
  }

  /** Returns the call that brings another session to where this call has brought its own. */
  repeated({ path, route, headers }: Call): Call {
    const change = this.#auth ? { method: 'create', data: this.#auth } : { method: 'remove', id: null }
    return { path, route, headers, query: {}, ...change }
  }
}

/** Adds a login to the headers of a request, unless they have credentials already. */
export function withAuth(headers: Record<string, string>, auth: Auth | undefined): Record<string, string> {
  const isGiven = Object.keys(headers).some((name) => name.toLowerCase() === 'authorization')
  return auth === undefined || isGiven ? headers : { ...headers, Authorization: `Bearer ${auth.accessToken}` }
}

function withoutSlashes(path: string): string {
  return path.replace(/^\/+|\/+$/g, '')
}
