// Replays recorded Socket.IO calls in one session: acks and events must be the recorded ones, or an accepted difference.
import assert from 'node:assert/strict'
import { io } from 'socket.io-client'
import { accepted, clean, leftover, socketio } from '../lib/golden.mjs'
import { once, start } from '../lib/server.mjs'

/** The cursor is one more argument of each event, which the original does not have. */
const withoutCursor = (event) => (event.length === 3 && typeof event[2] === 'string' ? event.slice(0, 2) : event)

describe('recorded Socket.IO answers', () => {
  let peer, socket
  const heard = []
  before(async () => {
    peer = await start('peer')
    socket = io(peer.url, { transports: ['websocket'], query: { channel: 'x' } })
    await once((done) => socket.once('connect', done), 'the connection')
    socket.onAny((...event) => heard.push(withoutCursor(event)))
  })
  after(async () => {
    socket?.close()
    await peer?.stop()
  })

  it('has no difference listed for a case that is gone', () => assert.deepEqual(leftover('socketio', socketio), []))

  // Events come before the ack of the call that caused them, so that a later call, which causes none, marks the end
  // of what a call without an ack has caused.
  const mark = () => once((done) => socket.emit('find', 'findonly', done), 'the mark')

  for (const recorded of socketio) {
    it(`${recorded.name.slice(0, 100)}`, async () => {
      heard.length = 0
      const difference = accepted.socketio[recorded.name]
      const expected = { ...recorded, ...difference }
      let ack = null
      const answered = new Promise((resolve) => {
        const callback = (...values) => resolve((ack = values))
        socket.emit(...recorded.emit, ...(recorded.callback === false ? [] : [callback]))
      })
      if (expected.ack) await answered
      await mark()
      const is = { ack: clean(ack), events: clean(heard) }
      const should = { ack: expected.ack, events: expected.events }
      if (difference) assert.ok(difference.reason, 'a difference needs a reason')
      assert.deepEqual(is, should)
      if (difference) {
        assert.notDeepEqual(is, { ack: recorded.ack, events: recorded.events }, 'listed as a difference, but there is none')
      }
    })
  }
})
