import assert from 'node:assert/strict'
import { test } from 'node:test'
import { client } from './lib/client.js'

test('a page that is visible again, or online again, does not wait', async (context) => {
  const listeners = {}
  const add = (name, listener) => { listeners[name] = listener }
  const remove = (name) => { delete listeners[name] }
  const page = {
    document: { visibilityState: 'hidden', addEventListener: add, removeEventListener: remove },
    addEventListener: add,
    removeEventListener: remove
  }
  Object.assign(globalThis, page)
  context.after(() => { for (const name of Object.keys(page)) delete globalThis[name] })

  const { realtime, sockets } = client()
  sockets[0].welcome()
  sockets[0].end()
  listeners.visibilitychange()
  assert.equal(sockets.length, 1, 'the page is hidden')
  page.document.visibilityState = 'visible'
  listeners.visibilitychange()
  assert.equal(sockets.length, 2)
  sockets[1].end()
  assert.equal(realtime.state, 'reconnecting')
  listeners.online()
  assert.equal(sockets.length, 3)
  sockets[2].welcome()
  listeners.online()
  assert.equal(sockets.length, 3, 'it is connected')
  realtime.close()
  assert.deepEqual(listeners, {})
})
