// A client of the realtime endpoint's WebSocket, as small as the protocol allows.
import WebSocket from 'ws'
import { once } from './server.mjs'

/** Opens a WebSocket, says `$hello`, and notes what comes. */
export async function openSocket(url, { since, headers } = {}) {
  const socket = new WebSocket(`${url.replace('http', 'ws')}/realtime`, 'feathers.v1', { headers })
  const [events, resets, messages] = [[], [], []]
  const answers = new Map()
  const watching = new Set()
  let last = 0

  const closed = new Promise((resolve) => {
    socket.on('close', (code, reason) => resolve({ code, reason: String(reason) }))
  })
  socket.on('message', (text) => {
    const message = JSON.parse(text)
    messages.push(message)
    const { id, method, params } = message
    if (method === '$event') events.push(params)
    if (method === '$reset') resets.push(params)
    if (method === '$ping') socket.send('{"jsonrpc":"2.0","method":"$pong"}')
    answers.get(id)?.(message)
    for (const check of watching) check()
  })
  await new Promise((resolve, reject) => {
    socket.on('open', resolve)
    socket.on('error', reject)
  })

  /** Calls a method, and resolves with its result. */
  async function call(method, params) {
    const id = (last += 1)
    const answer = once((done) => answers.set(id, done), `the answer of ${method}`)
    socket.send(JSON.stringify({ jsonrpc: '2.0', id, method, params }))
    const { result, error } = await answer
    if (error) throw Object.assign(new Error(error.message), error)
    return result
  }

  const hello = await call('$hello', since ? { since } : {})
  return {
    socket,
    hello,
    events,
    resets,
    messages,
    closed,
    call,
    /** The numbers of the events of the peer's `ev`. */
    numbers: () => events.map(({ data }) => data.n),
    async until(isTrue, what) {
      let check
      await once((done) => {
        check = () => isTrue() && done()
        watching.add(check)
        check()
      }, what).finally(() => watching.delete(check))
    },
    async close(code) {
      socket.close(code)
      return closed
    }
  }
}
