// A proxy with faults, as networks have them: it stands between a client and a server and does wrong what a test sets.
import http from 'node:http'
import net from 'node:net'

/** A generator of numbers from 0 up to 1 (mulberry32), so that a run can be repeated. */
export function random(seed) {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** Starts a proxy in front of a server.
 *
 * The faults can be changed while it runs:
 * `refuseUpgrade`: answers every WebSocket with a 400.
 * `bufferStreams`: holds streams of events back until they end.
 * `idle`: cuts connections that are quiet for so many milliseconds.
 * `drop`, `seed`: does not pass on this share of the answers, but closes the connection.
 * `reset`, `seed`: the same, but resets it, and only one that has been used before: browsers then ask once more.
 * `counts` says how often each happened. */
export async function startProxy(target, { seed = 1, ...settings } = {}) {
  const faults = { refuseUpgrade: false, bufferStreams: false, idle: 0, drop: 0, reset: 0, ...settings }
  const counts = { refused: 0, buffered: 0, cut: 0, dropped: 0, reset: 0, passed: 0 }
  const { hostname, port } = new URL(target)
  const next = random(seed)
  const sockets = new Set()
  const used = new WeakSet()

  /** Destroys a socket once it has been quiet, while `isBusy`: between requests a connection may rest. */
  function cutWhenIdle(socket, isBusy = () => true) {
    socket.setTimeout(faults.idle, () => {
      if (!faults.idle || !isBusy()) return
      counts.cut += 1
      socket.destroy()
    })
  }

  function pass(request, response) {
    const { socket } = request
    const forward = http.request({
      hostname, port, method: request.method, path: request.url, headers: request.headers, agent: false
    })
    cutWhenIdle(socket, () => !response.writableEnded)
    // What one side ends, ends on the other.
    response.on('close', () => forward.destroy())
    request.on('error', () => forward.destroy())
    forward.on('error', () => socket.destroy())
    forward.on('response', (answer) => {
      const isStream = answer.headers['content-type'] === 'text/event-stream'
      if (faults.drop && next() < faults.drop) {
        counts.dropped += 1
        return socket.destroy()
      }
      if (faults.reset && used.has(socket) && next() < faults.reset) {
        counts.reset += 1
        return socket.resetAndDestroy()
      }
      used.add(socket)
      counts.passed += 1
      answer.on('error', () => socket.destroy())
      const hold = isStream && faults.bufferStreams
      if (!hold) {
        response.writeHead(answer.statusCode, answer.headers)
        response.flushHeaders()
        return answer.pipe(response)
      }
      counts.buffered += 1
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => response.writeHead(answer.statusCode, answer.headers).end(Buffer.concat(chunks)))
    })
    request.pipe(forward)
  }

  function upgrade(request, socket, head) {
    if (faults.refuseUpgrade) {
      counts.refused += 1
      return socket.end('HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n')
    }
    const server = net.connect(Number(port), hostname)
    const lines = [`${request.method} ${request.url} HTTP/1.1`]
    for (let at = 0; at < request.rawHeaders.length; at += 2) {
      lines.push(`${request.rawHeaders[at]}: ${request.rawHeaders[at + 1]}`)
    }
    server.write(`${lines.join('\r\n')}\r\n\r\n`)
    server.write(head)
    cutWhenIdle(socket)
    for (const [one, other] of [[socket, server], [server, socket]]) {
      one.on('error', () => {})
      one.on('close', () => other.destroy())
      one.pipe(other)
    }
  }

  const proxy = http.createServer(pass)
  proxy.on('upgrade', upgrade)
  proxy.on('connection', (socket) => {
    sockets.add(socket)
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise((resolve) => proxy.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${proxy.address().port}`,
    faults,
    counts,
    /** Cuts every connection now, as a network that is gone. */
    cut() {
      for (const socket of sockets) socket.destroy()
    },
    async close() {
      const closed = new Promise((resolve) => proxy.close(resolve))
      this.cut()
      await closed
    }
  }
}
