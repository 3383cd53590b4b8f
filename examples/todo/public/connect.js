// Two ways to connect the official Feathers client. What the page does with its services is the same in both.
//
// Each way reports three things: `live(transport)`, `lost()`, and `stale()` when the page must read again.

/** By the client of this project: over the named transport, or with `auto` over the best that gets through. */
function overRealtime(name, { live, lost, stale }) {
  const app = feathers().configure(FeathersRealtime.realtime('', { autoConnect: false }))
  const { realtime } = app
  realtime.on('connect', ({ transport }) => live(transport))
  realtime.on('transport', live)
  realtime.on('disconnect', lost)
  // Otherwise nothing was missed, also when the connection was away.
  realtime.on('reset', stale)

  const use = (name) => realtime.use(name === 'auto' ? undefined : name)
  use(name)
  realtime.connect()
  return { app, use, close: () => realtime.close() }
}

/** By Socket.IO, as the official client does it by itself. */
function overSocketIo({ live, lost, stale }) {
  const socket = io()
  const app = feathers().configure(feathers.socketio(socket))
  socket.on('connect', () => {
    if (!socket.recovered) stale()
    live('socketio')
  })
  socket.on('disconnect', lost)
  socket.on('reset', stale)
  return { app, close: () => socket.close() }
}
