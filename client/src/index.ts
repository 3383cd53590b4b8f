// A transport for the official Feathers client: `feathers().configure(realtime('http://host'))`.

import type { Application } from '@feathersjs/feathers'
import { logInAgain } from './authentication-client.js'
import { guarded } from './emitter.js'
import type { ServiceEvent } from './link.js'
import type { RealtimeOptions } from './options.js'
import { Realtime } from './realtime.js'
import { RealtimeService, STANDARD_METHODS } from './service.js'

export { systemClock, type Clock, type Timer } from './clock.js'
export { Disconnected } from './disconnected.js'
export type { TransportName } from './transport-fallback.js'
export type { Call, Reset, ServiceEvent } from './link.js'
export type { RealtimeOptions } from './options.js'
export type { RealtimeEvents, State } from './events.js'
export { Realtime } from './realtime.js'
export { RealtimeService, type RemoteParams } from './service.js'

declare module '@feathersjs/feathers/lib/declarations.js' {
  interface FeathersApplication<Services, Settings> {
    /** The connection to the server. */
    realtime: Realtime
  }
}

/** Configures an app, and makes services of its server. */
export interface Plugin {
  (app: Application): void
  /** Returns the service of the server, for `app.use(path, plugin.service(path), { methods: [..] })`. */
  service(path: string): RealtimeService
  readonly realtime: Realtime
}

/** Returns the plug-in that connects an app to the server at `base`; in pages `''` is where the page comes from. */
export function realtime(base: string, options: RealtimeOptions = {}): Plugin {
  let app: Application | undefined
  const connection = new Realtime(base, options, (event) => app && emit(app, event), () => logInAgain(app))
  const service = (path: string) => new RealtimeService(path, (call) => connection.call(call))
  const plugin = (configured: Application) => {
    if (configured.realtime !== undefined) throw new Error('Only one default client provider can be configured')
    app = configured
    app.realtime = connection
    app.defaultService = service as unknown as Application['defaultService']
    app.mixins.unshift((remote: unknown, _path, serviceOptions) => {
      if (!(remote instanceof RealtimeService)) return
      remote.methods(...(serviceOptions?.methods ?? []).filter((name) => !STANDARD_METHODS.includes(name)))
    })
    if (options.autoConnect !== false) connection.connect()
  }
  return Object.assign(plugin, { service, realtime: connection })
}

/** What Feathers makes of every service. */
interface ServiceEmitter {
  listenerCount(event: string): number
  emit(event: string, data: unknown): void
}

/** Emits an event on the service that it is of. A service that the app has not used has no listeners. */
function emit(app: Application, { path, event, data }: ServiceEvent): void {
  // The root service has an empty path on the wire.
  const name = path || '/'
  const service = Object.hasOwn(app.services, name) ? (app.services[name] as ServiceEmitter) : undefined
  // Node's emitter throws an `error` that has no listener.
  if (service && service.listenerCount(event) > 0) guarded(() => service.emit(event, data))
}
