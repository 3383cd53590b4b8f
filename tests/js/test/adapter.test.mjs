// The official adapter suite: 65 tests for each combination of service and transport.
import { adapterSuite } from '../lib/adapter.mjs'
import { restClient, socketClient } from '../lib/clients.mjs'
import { start } from '../lib/server.mjs'

describe('adapter suite', () => {
  let peer
  before(async () => { peer = await start('peer') })
  after(() => peer?.stop())

  for (const [path, id] of [['people-typed', 'id'], ['people-customid-typed', 'customid']]) {
    adapterSuite(`rest ${path}`, path, id, () => restClient(peer.url))
  }
  for (const transport of ['websocket', 'polling']) {
    for (const [path, id] of [
      ['people', 'id'], ['people-typed', 'id'], ['people-customid', 'customid'], ['people-customid-typed', 'customid']
    ]) {
      let app
      adapterSuite(`socketio ${transport} ${path}`, path, id,
        async () => (app = await socketClient(peer.url, { transports: [transport] })), () => app?.io.close())
    }
  }
})
