// The connection of an app: it opens the best link that gets through, keeps one open, resumes where the last one ended,
// and hands on each event once and in order.
//
// At most one link is live, and only its events count. Another link may be tried beside it; when that opens it takes
// over from the same position, and events that both bring are recognised by their cursor.

import { Backoff } from './backoff.js'
import type { Timer } from './clock.js'
import { Disconnected } from './disconnected.js'
import { Emitter } from './emitter.js'
import type { RealtimeEvents, State } from './events.js'
import { get } from './http.js'
import { IdleTimeout } from './idle-timeout.js'
import { TransportFallback, type TransportName } from './transport-fallback.js'
import type { Call, End, LinkContext, Observer, Reset, ServiceEvent, Welcome } from './link.js'
import { Login, withAuth, type Auth } from './login.js'
import { TransportMemory } from './transport-memory.js'
import { ServerInfo } from './server-info.js'
import { settle, type RealtimeOptions, type Settings } from './options.js'
import { Position } from './position.js'
import { Probe, type Attempt } from './probe.js'
import { Rest } from './rest.js'
import { transports } from './transports/all.js'
import { CallQueue } from './call-queue.js'
import { watchPage } from './page-events.js'

/** How many calls may wait for the first connection, and logins for any. */
const FIRST_CALLS = 1_000

export class Realtime extends Emitter<RealtimeEvents> {
  readonly #settings: Settings
  readonly #context: LinkContext
  readonly #login: Login
  readonly #rest: Rest
  readonly #memory: TransportMemory
  readonly #position: Position
  readonly #backoff: Backoff
  readonly #callQueue = new CallQueue()
  readonly #probe = new Probe((step) => this.#attempt(step))
  #state: State = 'idle'
  #fallback: TransportFallback
  #live: Attempt | undefined
  #last: TransportName | undefined
  #trial: Attempt | undefined
  #retryTimer: Timer
  #probeTimer: Timer
  #stableTimer: Timer
  #deniedBefore = false
  #unwatch = () => {}

  /** @param base the server's URL
   *  @param deliver gets each event of a service once
   *  @param logInAgain is asked for another login when one was not taken; resolves to whether there is one */
  constructor(
    base: string,
    options: RealtimeOptions,
    private readonly deliver: (event: ServiceEvent) => void,
    private readonly logInAgain: () => Promise<boolean>
  ) {
    super()
    const settings = settle(options)
    const page = globalThis.location as Location | undefined
    const root = new URL(base || '/', page?.href).href.replace(/\/+$/, '')
    const url = new URL(`${root}/${(options.path ?? 'realtime').replace(/^\/+/, '')}`)
    const { clock, openTimeout, grace, credentials, headers } = settings
    const ask = (signal: AbortSignal) => get({ ...this.#context, url: new URL(`${url.href}/negotiate`) }, {}, {}, signal)
    const serverInfo = new ServerInfo(ask, clock)
    const login = new Login(settings.authentication)
    this.#settings = settings
    this.#login = login
    this.#context = {
      url, clock, openTimeout, grace, credentials,
      auth: () => login.auth,
      headers: async () => withAuth(await headers(), login.auth),
      idle: new IdleTimeout(),
      fetch: settings.fetch,
      WebSocket: settings.WebSocket,
      heartbeat: () => serverInfo.heartbeat()
    }
    this.#rest = new Rest({ base: root, fetch: settings.fetch, credentials, headers })
    this.#memory = new TransportMemory(url.href, options.storage)
    this.#position = new Position(options.since)
    this.#backoff = new Backoff(clock.random)
    this.#fallback = new TransportFallback(settings.transports, this.#memory.recall())
  }

  get state(): State {
    return this.#state
  }

  /** The transport that is in use; `undefined` while there is none. */
  get transport(): TransportName | undefined {
    return this.#live?.name
  }

  /** The transports that can be used here, the best one first. */
  get transports(): readonly TransportName[] {
    return this.#settings.transports
  }

  /** The last cursor that was applied: with it as `since`, another page continues from here. */
  get cursor(): string | undefined {
    return this.#position.cursor
  }

  /** Connects, unless that is so or under way. */
  connect(): this {
    if (this.#state !== 'idle' && this.#state !== 'closed') return this
    this.#state = 'connecting'
    this.#unwatch = watchPage({
      online: () => {
        this.#fallback.networkChanged()
        this.#context.idle.forget()
        this.#hurry()
      },
      visible: () => this.#hurry()
    })
    this.#try()
    return this
  }

  /** Closes the connection until `connect()` is called. */
  close(): this {
    const was = this.#state
    this.#shut()
    if (was === 'connected') this.emit('disconnect', { reason: 'closed' })
    return this
  }

  /** Uses this transport only from now on, or without a name the best one that gets through.
   *
   * The present connection stays until the new one stands. Rejects if it cannot be had; then all is as before. */
  async use(name?: TransportName): Promise<void> {
    const steps = name === undefined ? this.transports : [name]
    if (!steps.every((step) => this.transports.includes(step))) throw new Error(`'${name}' is not available here`)
    const live = this.#live
    const better = live ? steps.slice(0, steps.includes(live.name) ? steps.indexOf(live.name) : undefined) : []
    const open = live === undefined || better.length === 0 || (await this.#probe.search(better))
    if (!open && name !== undefined) throw new Error(`'${name}' does not get through`)
    this.#fallback = new TransportFallback(steps, this.#live?.name)
    if (this.#live) this.#scheduleProbe()
    else if (this.#state === 'connecting' || this.#state === 'reconnecting') this.#tryNow()
  }

  /** Calls a service. Rejects with `Disconnected` when the answer cannot come. */
  async call(call: Call): Promise<unknown> {
    const changesLogin = this.#login.isChangedBy(call)
    while (!this.#live) {
      if (this.#state === 'idle' || this.#state === 'closed') throw new Disconnected('the client is not connected', false)
      // A user whose login is lost gets `unauthenticated` while the connection is lost, and may log in at once.
      const mayWait = this.#state === 'connecting' || changesLogin
      await this.#callQueue.join(mayWait ? FIRST_CALLS : this.#settings.queue)
    }
    const attempt = this.#live
    const answer = attempt.link?.call?.(call) ?? this.#rest.call(call, attempt.connectionToken, this.#login.auth)
    return changesLogin ? this.#changeLogin(attempt, call, answer) : answer
  }

  /** Takes note of a login or logout, for the connections to come. */
  async #changeLogin(attempt: Attempt, call: Call, answer: Promise<unknown>): Promise<unknown> {
    let result: unknown
    try {
      result = await answer
    } catch (error) {
      this.#login.refused(call, error)
      throw error
    }
    this.#login.accepted(call, result)
    attempt.auth = this.#login.auth
    // A link that has taken over meanwhile was opened without this.
    const isBehind = this.#live !== undefined && this.#live.auth !== this.#login.auth
    if (isBehind) await this.call(this.#login.repeated(call)).catch(() => {})
    return result
  }

  #try(): void {
    this.#retryTimer = undefined
    this.#trial = this.#attempt(this.#fallback.current)
  }

  #attempt(name: TransportName): Attempt {
    const attempt: Attempt = { name, link: undefined, connectionToken: undefined, auth: this.#login.auth }
    const isLive = () => this.#live === attempt
    const observer: Observer = {
      opened: (welcome) => this.#opened(attempt, welcome),
      event: (event) => isLive() && this.#event(event),
      heartbeat: (cursor) => isLive() && this.#position.advance(cursor),
      reset: (reset) => isLive() && this.#reset(reset),
      moved: ({ connectionToken, recovered }) => {
        attempt.connectionToken = connectionToken
        // What a call has done to the last one, such as joining a channel, has to be done again.
        if (isLive()) this.emit('connect', { transport: name, recovered })
      },
      ended: (end) => this.#ended(attempt, end)
    }
    try {
      attempt.link = transports[name](this.#context, this.#position.cursor, observer)
    } catch (error) {
      queueMicrotask(() => this.#ended(attempt, { why: 'refused', error: error as Error }))
    }
    return attempt
  }

  #opened(attempt: Attempt, welcome: Welcome): void {
    const isTrial = attempt === this.#trial
    if (!isTrial && !this.#probe.isTrying(attempt)) return attempt.link?.close()
    // A login or logout has happened since it was dialled.
    if (attempt.auth !== this.#login.auth) return isTrial ? this.#tryNow() : this.#probe.again()
    if (isTrial) {
      this.#trial = undefined
      return this.#goLive(attempt, welcome)
    }
    // The live link has missed nothing, so a link that has is no better.
    if (!welcome.recovered) return this.#probe.next()
    this.#probe.take()
    this.#goLive(attempt, welcome)
  }

  #goLive(attempt: Attempt, welcome: Welcome): void {
    const previous = this.#live
    const last = this.#last
    attempt.connectionToken = welcome.connectionToken
    this.#live = attempt
    this.#last = attempt.name
    previous?.link?.retire()
    this.#state = 'connected'
    this.#deniedBefore = false
    // A pinned transport takes over before its fallback does.
    if (this.#fallback.steps.includes(attempt.name)) this.#fallback.opened(attempt.name)
    this.#memory.save(attempt.name)
    if (this.#position.cursor === undefined) this.#position.reset(welcome.cursor)
    this.#callQueue.release()
    this.#scheduleProbe()
    this.#clear(this.#stableTimer)
    this.#stableTimer = this.#settings.clock.setTimeout(() => this.#backoff.reset(), this.#settings.stableAfter)
    if (last !== attempt.name) this.emit('transport', attempt.name, last)
    if (!previous) this.emit('connect', { transport: attempt.name, recovered: welcome.recovered })
    if (welcome.reset) this.#reset(welcome.reset)
  }

  #event(event: ServiceEvent): void {
    const order = this.#position.admit(event.cursor)
    if (order === 'old') return
    if (order === 'foreign') this.emit('reset', { reason: 'epoch', cursor: event.cursor })
    this.deliver(event)
  }

  #reset(reset: Reset): void {
    this.#position.reset(reset.cursor)
    this.emit('reset', reset)
  }

  #ended(attempt: Attempt, end: End): void {
    if (attempt === this.#live) this.#lost(end)
    else if (attempt === this.#trial) this.#failed(attempt, end)
    else if (this.#probe.isTrying(attempt)) this.#probe.next()
  }

  /** The live link is over. */
  #lost(end: End): void {
    this.#live = undefined
    this.#clear(this.#stableTimer)
    this.#clear(this.#probeTimer)
    this.#probe.end()
    this.#state = 'reconnecting'
    this.emit('disconnect', { reason: end.why, error: end.error })
    // Whether the login is over, or only this session, is found out by the next attempt, which carries it.
    const mayBeLogin = end.why === 'unauthenticated' && this.#login.isUsed
    if (!mayBeLogin && this.#givesUp(end)) return
    if (end.why === 'silent') this.#fallback.silent(this.#settings.clock.now())
    this.#retry(end)
  }

  /** A try is over that never opened. */
  #failed(attempt: Attempt, end: End): void {
    this.#trial = undefined
    if (end.why === 'unauthenticated' && attempt.auth) return this.#loseLogin(attempt.auth, end)
    if (this.#givesUp(end)) return
    const then = end.why === 'busy' || isDenied(end) ? 'again' : this.#fallback.failed()
    if (then === 'next') return this.#try()
    this.#state = 'reconnecting'
    this.#callQueue.fail(this.#settings.queue)
    if (then === 'exhausted' && end.error) this.emit('error', end.error)
    this.#retry(end)
  }

  /** The login was refused: continues without it, since there are events for anonymous users too. */
  #loseLogin(auth: Auth, { error = new Error('the login was not taken') }: End): void {
    const isLast = this.#login.forget(auth)
    this.#try()
    if (isLast) void this.logInAgain().then((done) => done || this.emit('unauthenticated', error))
  }

  /** Gives up if the server does not want this client. A denied client may ask once more, with other headers. */
  #givesUp(end: End): boolean {
    // A listener may have closed it meanwhile.
    if (this.#state === 'closed') return true
    const mayAskAgain = this.#settings.asksHeaders && !this.#deniedBefore
    this.#deniedBefore = isDenied(end)
    if (end.why !== 'final' && (!isDenied(end) || mayAskAgain)) return false
    this.#shut()
    this.emit('error', end.error ?? new Error(`the connection is over: ${end.why}`))
    return true
  }

  #retry(end: End): void {
    // A listener may have closed or connected meanwhile.
    if (this.#state !== 'reconnecting' || this.#trial) return
    if (end.retry !== undefined) this.#backoff.startWith(end.retry)
    const wait = this.#backoff.next()
    const delay = end.after ?? wait
    this.#retryTimer = this.#settings.clock.setTimeout(() => this.#try(), delay)
    this.emit('reconnecting', { attempt: this.#backoff.tries, delay })
  }

  /** Does not wait for the next try. */
  #hurry(): void {
    if (this.#retryTimer !== undefined) this.#tryNow()
  }

  #tryNow(): void {
    this.#clear(this.#retryTimer)
    this.#trial?.link?.close()
    this.#try()
  }

  #scheduleProbe(): void {
    this.#clear(this.#probeTimer)
    const wait = this.#fallback.nextProbe()
    if (wait === undefined) return
    this.#probeTimer = this.#settings.clock.setTimeout(() => {
      void this.#probe.search(this.#fallback.higher).then((open) => {
        if (!open && this.#live) this.#scheduleProbe()
      })
    }, wait)
  }

  #shut(): void {
    this.#state = 'closed'
    for (const timer of [this.#retryTimer, this.#probeTimer, this.#stableTimer]) this.#clear(timer)
    this.#retryTimer = undefined
    this.#probe.end()
    this.#trial?.link?.close()
    this.#live?.link?.close()
    this.#trial = this.#live = undefined
    this.#callQueue.fail(0)
    this.#unwatch()
  }

  #clear(timer: Timer): void {
    if (timer !== undefined) this.#settings.clock.clearTimeout(timer)
  }
}

function isDenied({ why }: End): boolean {
  return why === 'denied' || why === 'unauthenticated'
}
