// A client on a network of the test's own.
import { feathers } from '@feathersjs/feathers'
import { realtime } from '../../dist/index.js'
import { ManualClock, settled } from './clock.js'
import { fetchOf, socketsOf } from './network.js'

export function client(options = {}) {
  const clock = new ManualClock()
  const [sockets, requests, seen] = [[], [], []]
  const app = feathers().configure(
    realtime('http://server', { clock, WebSocket: socketsOf(sockets), fetch: fetchOf(requests), ...options })
  )
  for (const name of ['connect', 'disconnect', 'reconnecting', 'transport', 'reset', 'unauthenticated', 'error']) {
    app.realtime.on(name, (info) => seen.push([name, info]))
  }
  const events = []
  app.service('todos').on('created', (data) => events.push(data))
  return {
    app, clock, sockets, requests, events,
    realtime: app.realtime,
    /** Returns the names of the connection's events since the last time. */
    names: () => seen.splice(0).map(([name]) => name),
    /** Returns the last event of this name. */
    last: (name) => seen.findLast(([one]) => one === name)?.[1],
    /** Returns the requests for this transport. */
    asked: (transport) => requests.filter(({ query }) => query.transport === transport),
    /** Waits until there are so many requests for a stream, answers the last, and says hello. */
    async openStream(welcome = {}) {
      await settled()
      const stream = requests.findLast(({ query }) => query.transport === 'sse').stream()
      stream.write(ready(welcome))
      await settled()
      return stream
    }
  }
}

export const ready = (welcome = {}) => {
  const data = { connectionToken: 's', recovered: false, cursor: 'e-0', ...welcome }
  return `event: ready\ndata: ${JSON.stringify({ path: 'realtime', event: 'connected', data })}\n\n`
}

/** What a stream without room begins with. */
export const busy = (ms) => {
  const data = { path: 'realtime', event: 'busy', data: { retryAfterMs: ms } }
  return `retry: ${ms}\nevent: ready\ndata: ${JSON.stringify(data)}\n\n`
}

export const block = (number) =>
  `id: e-${number}\ndata: ${JSON.stringify({ path: 'todos', event: 'created', data: number })}\n\n`
