// The official client, connected.
import client from '@feathersjs/client'
import { io } from 'socket.io-client'
import { once } from './server.mjs'

/** Custom methods that the peer has and that a client must declare. */
const METHODS = ['find', 'get', 'create', 'update', 'patch', 'remove']
const CUSTOM = { todos: 'customMethod', echo: 'custom', ev: 'custom' }

function declare(app, transport) {
  for (const [path, method] of Object.entries(CUSTOM)) {
    app.use(path, transport.service(path), { methods: [...METHODS, method] })
  }
  return app
}

export function restClient(url) {
  const transport = client.rest(url).fetch(globalThis.fetch)
  const app = client.feathers().configure(transport)
  return declare(app, transport)
}

/** Connects over Socket.IO; the socket is `app.io`. */
export async function socketClient(url, options = {}) {
  const socket = io(url, { transports: ['websocket'], reconnectionDelay: 50, reconnectionDelayMax: 200, ...options })
  const transport = client.socketio(socket)
  const app = declare(client.feathers().configure(transport), transport)
  await once((done) => socket.once('connect', done), 'the connection')
  return app
}

export const { errors } = client
