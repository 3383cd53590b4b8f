// The connection of an app: it opens the best link that gets through, keeps one open, resumes where the last one ended,
// and hands on each event once and in order.
//
// At most one link is live, and only its events count. Another link may be tried beside it; when that opens it takes
// over from the same position, and what both bring is told apart by its cursor.

import { Backoff } from './backoff.js'
import type { Timer } from './clock.js'
import { Disconnected } from './disconnected.js'
import { Emitter } from './emitter.js'
import type { RealtimeEvents, State } from './events.js'
import { get } from './http.js'
import { Idle } from './idle.js'
import { Ladder, type TransportName } from './ladder.js'
import type { Call, End, Host, Observer, Reset, ServiceEvent, Welcome } from './link.js'
import { Login, withAuth, type Auth } from './login.js'
import { Memory } from './memory.js'
import { Offer } from './offer.js'
import { settle, type RealtimeOptions, type Settings } from './options.js'
import { Position } from './position.js'
import { Probe, type Dial } from './probe.js'
import { Rest } from './rest.js'
import { transports } from './transports/all.js'
import { Waiting } from './waiting.js'
import { watchPage } from './wake.js'

/** How many calls may wait for the first connection, and logins for any. */
const FIRST_CALLS = 1_000

export class Realtime extends Emitter<RealtimeEvents> {
  readonly #settings: Settings
  readonly #host: Host
  readonly #login: Login
  readonly #rest: Rest
  readonly #memory: Memory
  readonly #position: Position
  readonly #backoff: Backoff
  readonly #waiting = new Waiting()
  readonly #probe = new Probe((step) => this.#dial(step))
  #state: State = 'idle'
  #ladder: Ladder
  #live: Dial | undefined
  #last: TransportName | undefined
  #trial: Dial | undefined
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
    const ask = (signal: AbortSignal) => get({ ...this.#host, url: new URL(`${url.href}/negotiate`) }, {}, {}, signal)
    const offer = new Offer(ask, clock)
    const login = new Login(settings.authentication)
    this.#settings = settings
    this.#login = login
    this.#host = {
      url, clock, openTimeout, grace, credentials,
      auth: () => login.auth,
      headers: async () => withAuth(await headers(), login.auth),
      idle: new Idle(),
      fetch: settings.fetch,
      WebSocket: settings.WebSocket,
      heartbeat: () => offer.heartbeat()
    }
    this.#rest = new Rest({ base: root, fetch: settings.fetch, credentials, headers })
    this.#memory = new Memory(url.href, options.storage)
    this.#position = new Position(options.since)
    this.#backoff = new Backoff(clock.random)
    this.#ladder = new Ladder(settings.transports, this.#memory.recall())
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

  /** The last cursor that was applied: with it as `since`, another page goes on from here. */
  get cursor(): string | undefined {
    return this.#position.cursor
  }

  /** Connects, unless that is so or under way. */
  connect(): this {
    if (this.#state !== 'idle' && this.#state !== 'closed') return this
    this.#state = 'connecting'
    this.#unwatch = watchPage({
      online: () => {
        this.#ladder.networkChanged()
        this.#host.idle.forget()
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
    this.#ladder = new Ladder(steps, this.#live?.name)
    if (this.#live) this.#scheduleProbe()
    else if (this.#state === 'connecting' || this.#state === 'reconnecting') this.#tryNow()
  }

  /** Calls a service. Rejects with `Disconnected` when the answer cannot come. */
  async call(call: Call): Promise<unknown> {
    const changesLogin = this.#login.isChangedBy(call)
    while (!this.#live) {
      if (this.#state === 'idle' || this.#state === 'closed') throw new Disconnected('the client is not connected', false)
      // Who has lost a login is told while the connection is lost, and may log in at once.
      const mayWait = this.#state === 'connecting' || changesLogin
      await this.#waiting.join(mayWait ? FIRST_CALLS : this.#settings.queue)
    }
    const dial = this.#live
    const answer = dial.link?.call?.(call) ?? this.#rest.call(call, dial.connectionToken, this.#login.auth)
    return changesLogin ? this.#changeLogin(dial, call, answer) : answer
  }

  /** Takes note of a login or logout, for the connections to come. */
  async #changeLogin(dial: Dial, call: Call, answer: Promise<unknown>): Promise<unknown> {
    let result: unknown
    try {
      result = await answer
    } catch (error) {
      this.#login.refused(call, error)
      throw error
    }
    this.#login.accepted(call, result)
    dial.auth = this.#login.auth
    // A link that has taken over meanwhile was opened without this.
    const isBehind = this.#live !== undefined && this.#live.auth !== this.#login.auth
    if (isBehind) await this.call(this.#login.repeated(call)).catch(() => {})
    return result
  }

  #try(): void {
    this.#retryTimer = undefined
    this.#trial = this.#dial(this.#ladder.current)
  }

  #dial(name: TransportName): Dial {
    const dial: Dial = { name, link: undefined, connectionToken: undefined, auth: this.#login.auth }
    const isLive = () => this.#live === dial
    const observer: Observer = {
      opened: (welcome) => this.#opened(dial, welcome),
      event: (event) => isLive() && this.#event(event),
      heartbeat: (cursor) => isLive() && this.#position.advance(cursor),
      reset: (reset) => isLive() && this.#reset(reset),
      moved: ({ connectionToken, recovered }) => {
        dial.connectionToken = connectionToken
        // What a call has done to the last one, such as joining a channel, has to be done again.
        if (isLive()) this.emit('connect', { transport: name, recovered })
      },
      ended: (end) => this.#ended(dial, end)
    }
    try {
      dial.link = transports[name](this.#host, this.#position.cursor, observer)
    } catch (error) {
      queueMicrotask(() => this.#ended(dial, { why: 'refused', error: error as Error }))
    }
    return dial
  }

  #opened(dial: Dial, welcome: Welcome): void {
    const isTrial = dial === this.#trial
    if (!isTrial && !this.#probe.isTrying(dial)) return dial.link?.close()
    // Somebody has logged in or out since it was dialled.
    if (dial.auth !== this.#login.auth) return isTrial ? this.#tryNow() : this.#probe.again()
    if (isTrial) {
      this.#trial = undefined
      return this.#goLive(dial, welcome)
    }
    // The live link has missed nothing, so a link that has is no better.
    if (!welcome.recovered) return this.#probe.next()
    this.#probe.take()
    this.#goLive(dial, welcome)
  }

  #goLive(dial: Dial, welcome: Welcome): void {
    const previous = this.#live
    const last = this.#last
    dial.connectionToken = welcome.connectionToken
    this.#live = dial
    this.#last = dial.name
    previous?.link?.retire()
    this.#state = 'connected'
    this.#deniedBefore = false
    // A pinned transport takes over before its ladder does.
    if (this.#ladder.steps.includes(dial.name)) this.#ladder.opened(dial.name)
    this.#memory.save(dial.name)
    if (this.#position.cursor === undefined) this.#position.reset(welcome.cursor)
    this.#waiting.release()
    this.#scheduleProbe()
    this.#clear(this.#stableTimer)
    this.#stableTimer = this.#settings.clock.setTimeout(() => this.#backoff.reset(), this.#settings.stableAfter)
    if (last !== dial.name) this.emit('transport', dial.name, last)
    if (!previous) this.emit('connect', { transport: dial.name, recovered: welcome.recovered })
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

  #ended(dial: Dial, end: End): void {
    if (dial === this.#live) this.#lost(end)
    else if (dial === this.#trial) this.#failed(dial, end)
    else if (this.#probe.isTrying(dial)) this.#probe.next()
  }

  /** The live link is over. */
  #lost(end: End): void {
    this.#live = undefined
    this.#clear(this.#stableTimer)
    this.#clear(this.#probeTimer)
    this.#probe.end()
    this.#state = 'reconnecting'
    this.emit('disconnect', { reason: end.why, error: end.error })
    // Whether the login is over, or only this session, is found out by the next dial, which carries it.
    const mayBeLogin = end.why === 'unauthenticated' && this.#login.isUsed
    if (!mayBeLogin && this.#givesUp(end)) return
    if (end.why === 'silent') this.#ladder.silent(this.#settings.clock.now())
    this.#retry(end)
  }

  /** A try is over that never opened. */
  #failed(dial: Dial, end: End): void {
    this.#trial = undefined
    if (end.why === 'unauthenticated' && dial.auth) return this.#loseLogin(dial.auth, end)
    if (this.#givesUp(end)) return
    const then = end.why === 'busy' || isDenied(end) ? 'again' : this.#ladder.failed()
    if (then === 'next') return this.#try()
    this.#state = 'reconnecting'
    this.#waiting.fail(this.#settings.queue)
    if (then === 'exhausted' && end.error) this.emit('error', end.error)
    this.#retry(end)
  }

  /** The login was not taken: goes on without, since there are events for everybody too. */
  #loseLogin(auth: Auth, { error = new Error('the login was not taken') }: End): void {
    const isLast = this.#login.forget(auth)
    this.#try()
    if (isLast) void this.logInAgain().then((done) => done || this.emit('unauthenticated', error))
  }

  /** Gives up if the server does not want this client. Who was denied may ask once more, with other headers. */
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
    const wait = this.#ladder.nextProbe()
    if (wait === undefined) return
    this.#probeTimer = this.#settings.clock.setTimeout(() => {
      void this.#probe.search(this.#ladder.higher).then((open) => {
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
    this.#waiting.fail(0)
    this.#unwatch()
  }

  #clear(timer: Timer): void {
    if (timer !== undefined) this.#settings.clock.clearTimeout(timer)
  }
}

function isDenied({ why }: End): boolean {
  return why === 'denied' || why === 'unauthenticated'
}
