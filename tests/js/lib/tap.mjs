// Taps: what stands between two programs that speak HTTP, sees everything, and can lose some of it.
import http from 'node:http'
import { once } from './server.mjs'

/** Starts a tap in front of a server.
 *
 * `exchanges` are the requests with their answers, in the order in which the answers began: `method`, `url`, `headers`,
 * `body`, `status` and `answer`, the headers of the answer. `tap.change` may change an exchange; if it returns a body,
 * the tap answers with that. `tap.isDown` cuts every connection. */
export async function startTap(target) {
  const { hostname, port } = new URL(target)
  const exchanges = []
  const watching = new Set()
  const sockets = new Set()
  const tap = { exchanges, change: () => undefined, isDown: false }

  function note(exchange) {
    exchanges.push(exchange)
    for (const check of watching) check(exchange)
  }

  async function pass(request, response) {
    if (tap.isDown) return request.socket.destroy()
    const chunks = []
    for await (const chunk of request) chunks.push(chunk)
    const { method, url, headers } = request
    const exchange = { method, url, headers, body: Buffer.concat(chunks) }
    const own = tap.change(exchange)
    if (own !== undefined) {
      note(Object.assign(exchange, { status: 200, answer: {} }))
      return response.end(own)
    }
    const length = { 'content-length': exchange.body.length }
    const forward = http.request({
      hostname, port, method, path: url, agent: false,
      headers: { ...headers, ...(exchange.body.length ? length : {}), connection: 'close' }
    })
    // What one side ends, ends on the other.
    response.on('close', () => forward.destroy())
    forward.on('error', () => request.socket.destroy())
    forward.on('response', (answer) => {
      answer.on('error', () => request.socket.destroy())
      const { connection, 'keep-alive': alive, ...kept } = answer.headers
      note(Object.assign(exchange, { status: answer.statusCode, answer: answer.headers }))
      response.writeHead(answer.statusCode, kept)
      response.flushHeaders()
      answer.pipe(response)
    })
    forward.end(exchange.body)
  }

  const server = http.createServer((request, response) => pass(request, response).catch(() => request.destroy()))
  server.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return Object.assign(tap, {
    url: `http://127.0.0.1:${server.address().port}`,
    /** Resolves with the next exchange that fits. */
    async next(fits, what, timeout) {
      let check
      const exchange = once((done) => {
        check = (exchange) => fits(exchange) && done(exchange)
        watching.add(check)
      }, what, timeout)
      return exchange.finally(() => watching.delete(check))
    },
    async close() {
      const closed = new Promise((resolve) => server.close(resolve))
      for (const socket of sockets) socket.destroy()
      await closed
    }
  })
}

/** Starts a tap in front of the control endpoint of a GRIP proxy.
 *
 * `control.published` are the items that were forwarded, and `control.lost` those that `control.lose` drops. */
export async function startControl(target) {
  const tap = await startTap(target)
  const control = Object.assign(tap, { published: [], lost: [], lose: () => false })
  control.change = (exchange) => {
    if (exchange.method !== 'POST') return undefined
    const { items } = JSON.parse(exchange.body)
    const kept = items.filter((item) => !control.lose(item))
    control.lost.push(...items.filter((item) => !kept.includes(item)))
    control.published.push(...kept)
    exchange.items = kept
    exchange.body = Buffer.from(JSON.stringify({ items: kept }))
    return kept.length ? undefined : 'Published\n'
  }
  return control
}
