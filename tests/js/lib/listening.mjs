// A program of its own that listens over the ways in its arguments, so that it can be stopped as a whole:
// `node listening.mjs URL WAY..`. It prints what it gets, one JSON a line, and ends with its input.
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { EventSource } from 'eventsource'
import { io } from 'socket.io-client'
import WebSocket from 'ws'

/** The path of the service whose events are listened to; their data has a number `n`. */
const PATH = 'ev'

const RETRY = 100

/** How to listen over each way. `hear` has a function for each kind of message. */
const WAYS = {
  /** The stock client, which comes back by itself. */
  socketio(url, hear) {
    const socket = io(url, { transports: ['websocket'], reconnectionDelay: RETRY, reconnectionDelayMax: RETRY })
    socket.on('connect', hear.ready)
    socket.on(`${PATH} created`, hear.event)
    socket.on('reset', hear.reset)
  },

  websocket(url, hear) {
    let since
    function open() {
      const socket = new WebSocket(`${url.replace('http', 'ws')}/realtime`, 'feathers.v1')
      const send = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
      socket.on('open', () => send({ id: 1, method: '$hello', params: { since } }))
      socket.on('message', (text) => {
        const { id, result, method, params } = JSON.parse(text)
        since = (result ?? params).cursor
        if (id === 1) hear.ready()
        if (result?.reset) hear.reset(result.reset)
        if (method === '$event') hear.event(params.data)
        if (method === '$reset') hear.reset(params)
        if (method === '$ping') send({ method: '$pong' })
      })
      socket.on('error', () => {})
      socket.on('close', () => setTimeout(open, RETRY))
    }
    open()
  },

  /** The package of the name, which comes back by itself. */
  sse(url, hear) {
    const source = new EventSource(`${url}/realtime`)
    source.addEventListener('ready', hear.ready)
    source.addEventListener('message', ({ data }) => hear.event(JSON.parse(data).data))
    source.addEventListener('reset', ({ data }) => hear.reset(JSON.parse(data).data))
  },

  async poll(url, hear) {
    let place = {}
    for (;;) {
      try {
        const { connectionToken, ...query } = place
        const headers = connectionToken ? { 'X-Connection-Token': connectionToken } : {}
        const response = await fetch(`${url}/realtime?${new URLSearchParams({ wait: '5', ...query })}`, { headers })
        const { events, cursor, reset, ...answer } = await response.json()
        if (!place.since) hear.ready()
        for (const { data } of events) hear.event(data)
        if (reset) hear.reset(reset)
        place = { since: cursor, connectionToken: answer.connectionToken }
      } catch {
        await delay(RETRY)
      }
    }
  }
}

/** The names of all ways. */
export const ways = Object.keys(WAYS)

function main([url, ...names]) {
  for (const way of names) {
    const print = (heard) => process.stdout.write(`${JSON.stringify({ way, ...heard })}\n`)
    WAYS[way](url, {
      ready: () => print({ ready: true }),
      event: ({ n }) => print({ n }),
      reset: ({ reason }) => print({ reset: reason })
    })
  }
  process.stdin.on('end', () => process.exit()).resume()
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main(process.argv.slice(2))
