// Calls by HTTP, with the REST client of Feathers, so that they look to the server as those always did.

import { convert } from '@feathersjs/errors'
import { FetchClient } from '@feathersjs/rest-client'
import { Disconnected } from './disconnected.js'
import type { Call } from './link.js'
import { CONNECTION_TOKEN, withAuth, type Auth } from './login.js'

/** What calls by HTTP need. */
export interface RestOptions {
  /** The URL that service paths are appended to. */
  base: string
  fetch: typeof fetch
  credentials: RequestCredentials
  headers(): Promise<Record<string, string>>
}

interface Params {
  query: Record<string, unknown>
  route?: Record<string, string>
  headers: Record<string, string>
}

export class Rest {
  constructor(private readonly options: RestOptions) {}

  /** Sends a call for a session. With the login it works also when the server has lost that session. */
  async call(call: Call, connectionToken: string | undefined, auth: Auth | undefined): Promise<unknown> {
    const headers = withAuth({ ...(await this.options.headers()), ...call.headers }, auth)
    if (connectionToken !== undefined) headers[CONNECTION_TOKEN] = connectionToken
    let cut: unknown
    const client = new FetchClient({
      name: call.path,
      base: this.options.base,
      options: {},
      connection: (url: string, init: RequestInit) =>
        this.#send(url, init).catch((error: unknown) => {
          cut = error ?? new Error('the request failed')
          throw error
        })
    })
    const params: Params = { query: call.query ?? {}, headers, ...(call.route && { route: call.route }) }
    try {
      return await invoke(client, call, params)
    } catch (error) {
      if (cut === undefined) throw error
      throw Object.assign(new Disconnected('the connection was lost', true), { cause: cut })
    }
  }

  /** Reads the answer to its end, since it can be cut off up to there. */
  async #send(url: string, init: RequestInit): Promise<Response> {
    const response = await this.options.fetch(url, { credentials: this.options.credentials, ...init })
    const body = await response.arrayBuffer()
    const { status, statusText, headers } = response
    return new Response(body.byteLength === 0 ? null : body, { status, statusText, headers })
  }
}

function invoke(client: FetchClient, { method, id, data }: Call, params: Params): Promise<unknown> {
  switch (method) {
    case 'find':
      return client.find(params)
    case 'get':
    case 'remove':
      return client[method](id as never, params)
    case 'update':
    case 'patch':
      return client[method](id as never, data as object, params)
    case 'create':
      return client.create(data as object, params)
    default:
      return custom(client, method, data, params)
  }
}

/** Calls a custom method, without making a property of its name. */
function custom(client: FetchClient, method: string, data: unknown, params: Params): Promise<unknown> {
  const headers = { 'Content-Type': 'application/json', 'X-Service-Method': method, ...params.headers }
  const request = { body: data, url: client.makeUrl(params.query, undefined, params.route), method: 'POST', headers }
  return client.request(request, params).catch((error: unknown) => {
    throw convert(error)
  })
}
