// The WebSocket: JSON-RPC 2.0 under the subprotocol `feathers.v1`. Calls go up it, events come down.

import { BadRequest, convert } from '@feathersjs/errors'
import type { Timer } from '../clock.js'
import * as closeCode from '../close-code.js'
import { Disconnected } from '../disconnected.js'
import { LinkMonitor } from '../link-monitor.js'
import type { Call, End, LinkContext, Link, Observer, ServiceEvent, Welcome } from '../link.js'
import type { Auth } from '../login.js'
import { refusal } from '../refusal.js'
import { fillRoute } from '../route.js'

/** What the server sends. */
interface Incoming {
  id?: number | null
  result?: unknown
  error?: { code: number; message: string; data?: object }
  method?: string
  params?: unknown
}

interface Pending {
  resolve(result: unknown): void
  reject(error: Error): void
}

const PROTOCOL = 'feathers.v1'
/** What close codes ask for; any other means that the connection was lost. */
const CLOSE_CODES: Record<number, Pick<End, 'why' | 'after'>> = {
  [closeCode.POLICY]: { why: 'final' },
  [closeCode.SIZE]: { why: 'final' },
  [closeCode.RECONNECT]: { why: 'lost', after: 0 },
  [closeCode.UNAUTHENTICATED]: { why: 'unauthenticated' },
  [closeCode.FORBIDDEN]: { why: 'denied' }
}
/** The `readyState` of a socket that can send. */
const OPEN = 1
/** The code when a connection ends without a word. */
const CUT = 1006

export function websocket(context: LinkContext, since: string | undefined, observer: Observer): Link {
  return new WebSocketLink(context, since, observer)
}

class WebSocketLink implements Link {
  readonly #monitor: LinkMonitor
  readonly #socket: WebSocket
  readonly #pending = new Map<number, Pending>()
  #lastId = 0
  #maxFrame = Infinity
  #keepAlive: Timer
  #retired = false

  constructor(
    private readonly context: LinkContext,
    since: string | undefined,
    observer: Observer
  ) {
    const url = new URL(context.url)
    url.protocol = url.protocol.replace('http', 'ws')
    const Socket = context.WebSocket as typeof WebSocket
    const socket = new Socket(url, PROTOCOL)
    const auth = context.auth()
    this.#socket = socket
    this.#monitor = new LinkMonitor(context, observer, () => this.#tearDown())
    socket.onopen = () => this.#hello(since, auth)
    socket.onmessage = ({ data }) => this.#receive(String(data))
    socket.onclose = ({ code, reason }) => this.#closed(code, reason)
    // The error event has no reason, and a close event follows.
    socket.onerror = () => {}
  }

  call(call: Call): Promise<unknown> | undefined {
    const { method, id, data, query } = call
    const params = { path: fillRoute(call.path, call.route), id, data, query }
    let fits = true
    const answer = new Promise((resolve, reject) => {
      fits = this.#request(method, params, { resolve, reject })
    })
    return fits ? answer : undefined
  }

  retire(): void {
    this.#retired = true
    this.#closeIfDone()
  }

  close(): void {
    this.#monitor.close()
  }

  #hello(since: string | undefined, auth: Auth | undefined): void {
    // The answer is handled at once, not by a promise: events may follow before a promise would resolve.
    this.#request('$hello', { since, auth }, {
      resolve: (result) => {
        const { ping, maxFrame, ...welcome } = result as Welcome & { ping: number; maxFrame?: number }
        this.#maxFrame = maxFrame ?? Infinity
        this.#monitor.opened(welcome, ping + this.context.grace)
        this.#speakUp()
      },
      reject: (error: Error & { code?: number }) => this.#monitor.end({ why: refusal(error.code), error })
    })
  }

  /** Sends a request; `false` if it is too large for a frame. */
  #request(method: string, params: object, pending: Pending): boolean {
    const id = (this.#lastId += 1)
    const text = JSON.stringify({ jsonrpc: '2.0', id, method, params })
    // In UTF-8 a UTF-16 unit takes three bytes at most.
    if (text.length * 3 > this.#maxFrame && new TextEncoder().encode(text).length > this.#maxFrame) return false
    if (this.#monitor.isOver || this.#socket.readyState !== OPEN) {
      pending.reject(new Disconnected('the connection is closed', false))
      return true
    }
    this.#pending.set(id, pending)
    this.#socket.send(text)
    return true
  }

  #receive(text: string): void {
    this.#monitor.heard()
    let message: Incoming
    try {
      message = JSON.parse(text)
    } catch {
      return this.#monitor.end({ why: 'refused', error: new Error('this server does not speak feathers.v1') })
    }
    if (message.method === undefined) return this.#settle(message)
    const params = message.params as never
    switch (message.method) {
      case '$event':
        return this.#monitor.event(params as ServiceEvent)
      case '$reset':
        return this.#monitor.reset(params)
      case '$ping':
        this.#send({ jsonrpc: '2.0', method: '$pong' })
        return this.#monitor.heartbeat((params as { cursor: string }).cursor)
    }
  }

  #settle({ id, result, error }: Incoming): void {
    const pending = typeof id === 'number' ? this.#pending.get(id) : undefined
    if (!pending) return
    this.#pending.delete(id as number)
    if (!error) pending.resolve(result)
    else if (error.data) pending.reject(convert(error.data))
    else pending.reject(new BadRequest(error.message, { code: error.code }))
    this.#closeIfDone()
  }

  /** Sends a ping often enough for a network that cuts quiet connections. */
  #speakUp(): void {
    const every = this.context.idle.keepAlive
    if (every === undefined || this.#monitor.isOver) return
    this.#keepAlive = this.context.clock.setTimeout(() => {
      this.#request('$ping', {}, {
        resolve: (result) => this.#monitor.heartbeat((result as { cursor: string }).cursor),
        reject: () => {}
      })
      this.#speakUp()
    }, every)
  }

  #send(message: object): void {
    if (this.#socket.readyState === OPEN) this.#socket.send(JSON.stringify(message))
  }

  #closed(code: number, reason: string): void {
    const end = { why: 'lost' as const, ...CLOSE_CODES[code], error: new Error(`closed with ${code} ${reason}`.trim()) }
    if (code === CUT) this.#monitor.noteCut()
    this.#monitor.end(end)
  }

  #closeIfDone(): void {
    if (this.#retired && this.#pending.size === 0) this.close()
  }

  #tearDown(): void {
    this.context.clock.clearTimeout(this.#keepAlive)
    for (const { reject } of this.#pending.values()) reject(new Disconnected('the connection was lost', true))
    this.#pending.clear()
    this.#socket.close()
  }
}
