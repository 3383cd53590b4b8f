// Two ways to connect the official Feathers client. What the page does with its services is the same in both.
//
// Each way reports: `live(transport)` for each new connection, `lost()`, `stale()` when the page must read again,
// and `refused(error)` when the credentials are no longer valid.
const { feathers, FeathersRealtime, io } = window

/** The official authentication client keeps the token where the next page finds it. */
const authentication = () => feathers.authentication({ storage: window.localStorage })

/** By the client of this project: over the named transport, or with `auto` over the best that gets through. */
function overRealtime(name, { live, lost, stale, refused }) {
  const options = name === 'auto' ? {} : { transports: [name] }
  const app = feathers().configure(FeathersRealtime.realtime('', options)).configure(authentication())
  const { realtime } = app
  realtime.on('transport', live)
  realtime.on('connect', ({ transport }) => live(transport))
  realtime.on('disconnect', lost)
  realtime.on('reset', stale)
  realtime.on('unauthenticated', refused)
  realtime.on('error', refused)
  return { app, close: () => realtime.close() }
}

/** By Socket.IO, as the official client does it by itself. */
function overSocketIo({ live, lost, stale, refused }) {
  const socket = io()
  const app = feathers().configure(feathers.socketio(socket)).configure(authentication())
  socket.on('connect', () => live('socketio'))
  socket.on('disconnect', (reason) => {
    lost()
    // The server has ended it. The next login finds out why.
    if (reason === 'io server disconnect') socket.connect()
  })
  socket.on('reset', stale)
  // The authentication client logs in again after each loss, and would not report a failure.
  const again = app.authentication.reAuthenticate.bind(app.authentication)
  app.authentication.reAuthenticate = (...how) => {
    const login = again(...how)
    login.catch(refused)
    return login
  }
  return { app, close: () => socket.close() }
}

export const connect = (name, told) => name === 'socketio' ? overSocketIo(told) : overRealtime(name, told)
