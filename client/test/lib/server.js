// A server on a local port with the wire of the real one, as far as logins need it: four transports, an authentication
// service, and a log of events that are for everybody or for one user.
import { createServer } from 'node:http'
import { NotAuthenticated } from '@feathersjs/errors'
import { WebSocketServer } from 'ws'

/** Starts a server; `stop` ends it. */
export async function start(options) {
  const server = new Server(options)
  await new Promise((resolve) => server.http.listen(0, '127.0.0.1', resolve))
  server.url = `http://127.0.0.1:${server.http.address().port}`
  return server
}

class Server {
  /** The tokens that are valid, and whose they are. */
  tokens = new Map()
  sessions = new Map()
  log = []
  /** Every request by HTTP: `method`, `url` and `headers`. */
  requests = []
  /** The params of every `$hello`. */
  hellos = []
  /** Every login, with the user of its session. */
  logins = []
  #connections = 0
  #cuts = []

  /** @param path the path of the authentication service
   *  @param isSilent whether a denied `$hello` is closed without an answer */
  constructor({ path = 'authentication', isSilent = false } = {}) {
    this.path = path
    this.isSilent = isSilent
    this.http = createServer((request, response) => this.#request(request, response).catch((error) => {
      const { code = 500 } = error
      response.writeHead(code, { 'Content-Type': 'application/json' }).end(JSON.stringify(error))
    }))
    new WebSocketServer({ server: this.http }).on('connection', (socket) => this.#socket(socket))
  }

  /** Writes an event, for everybody unless it is for one user. */
  publish(data, user) {
    this.log.push({ cursor: `e-${this.log.length + 1}`, path: 'todos', event: 'created', data, user })
    for (const session of this.sessions.values()) session.wake()
  }

  /** Makes a token invalid and ends the connections of its login, as when it expires. */
  expire(token) {
    this.tokens.delete(token)
    for (const session of this.sessions.values()) if (session.token === token) session.expire()
  }

  /** Cuts all connections, and forgets the sessions. */
  drop() {
    this.sessions.clear()
    this.http.closeAllConnections()
    for (const cut of this.#cuts.splice(0)) cut()
  }

  async stop() {
    this.drop()
    await new Promise((resolve) => this.http.close(resolve))
  }

  get cursor() {
    return `e-${this.log.length}`
  }

  userOf(token) {
    const user = token === undefined ? undefined : this.tokens.get(token)
    if (token !== undefined && user === undefined) throw new NotAuthenticated('the token is not valid')
    return user
  }

  #session(token, since) {
    this.userOf(token)
    const conn = `conn-${(this.#connections += 1)}`
    const session = { conn, token, at: since ? Number(since.slice(2)) : this.log.length, wake() {}, expire() {} }
    this.sessions.set(conn, session)
    return session
  }

  /** Returns what has happened for a session since the last time. */
  #take(session) {
    const user = session.token && this.tokens.get(session.token)
    const events = this.log.slice(session.at).filter((event) => !event.user || event.user === user)
    session.at = this.log.length
    return events.map(({ user, ...event }) => event)
  }

  /** Calls a service for a session, or for a token alone. */
  call(session, { path, method, data }) {
    if (path === 'whoami') return { user: this.userOf(session.token) ?? null }
    if (method === 'create') {
      this.logins.push({ ...data, asToken: session.token })
      const token = data.strategy === 'jwt' ? data.accessToken : data.password === 'right' ? `token-${data.user}` : ''
      if (data.strategy !== 'jwt' && token) this.tokens.set(token, data.user)
      session.token = this.userOf(token) && token
      session.wake()
      return { accessToken: token, user: this.tokens.get(token) }
    }
    if (session.token === undefined) throw new NotAuthenticated('nobody is logged in')
    const { token } = session
    session.token = undefined
    return { accessToken: token }
  }

  #socket(socket) {
    let session
    this.#cuts.push(() => socket.terminate())
    const send = (message) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }))
    const wake = () => this.#take(session).forEach((params) => send({ method: '$event', params }))
    socket.on('close', () => this.sessions.delete(session?.conn))
    socket.on('message', (text) => {
      const { id, method, params } = JSON.parse(text)
      try {
        if (method !== '$hello') return send({ id, result: this.call(session, { method, ...params }) })
        this.hellos.push(params)
        session = this.#session(params.auth?.accessToken, params.since)
        Object.assign(session, { wake, expire: () => socket.close(4401, 'expired') })
        const { conn } = session
        send({ id, result: { connectionToken: conn, recovered: params.since !== undefined, cursor: this.cursor, ping: 20_000 } })
        wake()
      } catch (error) {
        const isDenied = method === '$hello'
        if (!isDenied || !this.isSilent) send({ id, error: { code: 401, message: error.message, data: error } })
        if (isDenied) socket.close(4401, 'denied')
      }
    })
  }

  async #request(request, response) {
    const { method, headers } = request
    this.requests.push({ method, url: request.url, headers })
    const { pathname, searchParams } = new URL(request.url, this.url)
    const query = Object.fromEntries(searchParams)
    const token = headers.authorization?.replace(/^Bearer /, '')
    const answer = (status, body) => {
      response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
    }
    if (pathname === '/realtime/negotiate') return answer(200, { heartbeatMs: 20_000 })
    if (pathname !== '/realtime') {
      let text = ''
      for await (const piece of request) text += piece
      const call = { path: pathname.slice(1), method: method === 'POST' ? 'create' : 'remove', data: text && JSON.parse(text) }
      const session = this.sessions.get(headers['x-connection-token']) ?? { token, wake() {} }
      // The secret of a session is no login.
      if (session.token !== undefined && token === undefined) return answer(401, new NotAuthenticated().toJSON())
      return answer(200, this.call(session, call))
    }
    if (method === 'DELETE') return answer(200, this.sessions.delete(headers['x-connection-token']))
    if (query.transport === 'sse') return this.#stream(response, this.#session(token, query.since))
    return this.#poll(headers['x-connection-token'], query, token, answer)
  }

  #stream(response, session) {
    const { conn, at } = session
    response.writeHead(200, { 'Content-Type': 'text/event-stream' })
    const send = (type, id, data) => response.write(`event: ${type}\nid: ${id}\ndata: ${JSON.stringify(data)}\n\n`)
    send('ready', `e-${at}`, { data: { connectionToken: conn, recovered: true, cursor: `e-${at}` } })
    session.wake = () => this.#take(session).forEach(({ cursor, ...event }) => send('message', cursor, event))
    session.expire = () => response.end()
    response.on('close', () => this.sessions.delete(conn))
    session.wake()
  }

  async #poll(conn, { since, wait }, token, answer) {
    const known = this.sessions.get(conn)
    const session = known ?? this.#session(token, since)
    const check = () => {
      if (session.isOver) throw new NotAuthenticated('the token is not valid any more')
    }
    check()
    if (since) session.at = Number(since.slice(2))
    session.expire = () => { session.isOver = true }
    if (session.at === this.log.length && wait !== '0') {
      await new Promise((resolve) => {
        session.wake = resolve
        session.expire = () => { session.isOver = true; resolve() }
      })
    }
    session.wake = () => {}
    check()
    const events = this.#take(session).map(({ cursor, ...event }) => ({ ...event, id: cursor }))
    answer(200, { events, cursor: this.cursor, connectionToken: session.conn, more: false, retryAfterMs: 20 })
  }
}
