// A service on the other side: methods become calls. The emitter comes from Feathers, and the server's events are
// emitted on it.

import { BadRequest } from '@feathersjs/errors'
import type { Call } from './link.js'

/** The params that cross the wire. */
export interface RemoteParams {
  query?: Record<string, unknown>
  route?: Record<string, string>
  headers?: Record<string, string>
}

/** What every service has; all other methods are custom. */
export const STANDARD_METHODS = ['find', 'get', 'create', 'update', 'patch', 'remove']

type Send = (call: Call) => Promise<unknown>

export class RealtimeService {
  /** What the server sends, so that Feathers does not emit it when a call of this client is done. */
  readonly events = ['created', 'updated', 'patched', 'removed']

  constructor(
    private readonly path: string,
    private readonly send: Send
  ) {}

  /** Declares custom methods; `app.use(path, service, { methods })` does this too. */
  methods(...names: string[]): this {
    const methods = this as unknown as Record<string, unknown>
    for (const name of names) {
      methods[`_${name}`] = (data: unknown, params?: RemoteParams) => this.call(name, { data }, params)
      // Looked up on `this`, which has the hooks.
      methods[name] = function (this: typeof methods, data: unknown, params?: RemoteParams) {
        return (this[`_${name}`] as (data: unknown, params?: RemoteParams) => unknown)(data, params)
      }
    }
    return this
  }

  find(params?: RemoteParams): Promise<unknown> {
    return this._find(params)
  }

  get(id: unknown, params?: RemoteParams): Promise<unknown> {
    return this._get(id, params)
  }

  create(data: unknown, params?: RemoteParams): Promise<unknown> {
    return this._create(data, params)
  }

  update(id: unknown, data: unknown, params?: RemoteParams): Promise<unknown> {
    return this._update(id, data, params)
  }

  patch(id: unknown, data: unknown, params?: RemoteParams): Promise<unknown> {
    return this._patch(id, data, params)
  }

  remove(id: unknown, params?: RemoteParams): Promise<unknown> {
    return this._remove(id, params)
  }

  _find(params?: RemoteParams): Promise<unknown> {
    return this.call('find', {}, params)
  }

  _get(id: unknown, params?: RemoteParams): Promise<unknown> {
    return this.callWithId('get', id, {}, params)
  }

  _create(data: unknown, params?: RemoteParams): Promise<unknown> {
    return this.call('create', { data }, params)
  }

  _update(id: unknown, data: unknown, params?: RemoteParams): Promise<unknown> {
    return this.callWithId('update', id, { data }, params)
  }

  _patch(id: unknown, data: unknown, params?: RemoteParams): Promise<unknown> {
    return this.callWithId('patch', id, { data }, params)
  }

  _remove(id: unknown, params?: RemoteParams): Promise<unknown> {
    return this.callWithId('remove', id, {}, params)
  }

  /** `null` means many records and is sent; no id at all is a mistake that must not reach many. */
  private callWithId(method: string, id: unknown, rest: Pick<Call, 'data'>, params?: RemoteParams): Promise<unknown> {
    if (id === undefined || id === '') return Promise.reject(new BadRequest(`id for .${method} is required`))
    return this.call(method, { id, ...rest }, params)
  }

  private call(method: string, rest: Pick<Call, 'id' | 'data'>, params: RemoteParams = {}): Promise<unknown> {
    const { query = {}, route, headers } = params
    return this.send({ path: this.path, method, query, ...(route && { route }), ...(headers && { headers }), ...rest })
  }
}
