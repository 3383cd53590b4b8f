// A network that a test controls: sockets and requests wait for the test.

/** Makes the `WebSocket` class of a network; `sockets` has all that were opened. */
export function socketsOf(sockets) {
  return class FakeSocket {
    readyState = 0
    sent = []

    constructor(url, protocol) {
      this.url = String(url)
      this.protocol = protocol
      sockets.push(this)
    }

    send(text) {
      this.sent.push(JSON.parse(text))
    }

    close() {
      this.readyState = 3
    }

    // What the other side does:

    open() {
      this.readyState = 1
      this.onopen()
    }

    receive(message) {
      this.onmessage({ data: JSON.stringify({ jsonrpc: '2.0', ...message }) })
    }

    event(number, path = 'todos', event = 'created') {
      this.receive({ method: '$event', params: { path, event, data: number, cursor: `e-${number}` } })
    }

    /** Opens, and answers `$hello`. */
    welcome(result = {}) {
      this.open()
      const [hello] = this.sent
      this.receive({ id: hello.id, result: { connectionToken: 'c', recovered: false, cursor: 'e-0', ping: 20_000, ...result } })
    }

    end(code = 1006, reason = '') {
      this.readyState = 3
      this.onclose({ code, reason })
    }
  }
}

/** Makes the `fetch` of a network; each request waits in `requests` until it is answered. */
export function fetchOf(requests) {
  return (url, init = {}) =>
    new Promise((resolve, reject) => {
      init.signal?.addEventListener('abort', () => reject(init.signal.reason))
      const { searchParams, pathname } = new URL(url)
      requests.push({
        method: init.method ?? 'GET',
        path: pathname,
        query: Object.fromEntries(searchParams),
        headers: init.headers ?? {},
        body: init.body,
        signal: init.signal,
        fail: () => reject(new TypeError('fetch failed')),
        answer: (status, body, headers) => resolve(new Response(body && JSON.stringify(body), { status, headers })),
        /** Answers with a stream of events, and returns how to write to it. */
        stream() {
          let controller
          const body = new ReadableStream({ start: (given) => { controller = given } })
          init.signal?.addEventListener('abort', () => controller.error(init.signal.reason))
          resolve(new Response(body, { status: 200, headers: { 'content-type': 'text/event-stream' } }))
          return {
            write: (text) => controller.enqueue(new TextEncoder().encode(text)),
            end: () => controller.close(),
            cut: () => controller.error(new TypeError('terminated'))
          }
        }
      })
    })
}
