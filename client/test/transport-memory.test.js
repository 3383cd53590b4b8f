import assert from 'node:assert/strict'
import { test } from 'node:test'
import { TransportMemory } from '../dist/transport-memory.js'
import { client } from './lib/client.js'
import { settled } from './lib/clock.js'

function storage() {
  const items = new Map()
  return { items, getItem: (key) => items.get(key) ?? null, setItem: (key, value) => items.set(key, value) }
}

test('the transport that got through is where the next page begins', async () => {
  const kept = storage()
  const first = client({ storage: kept })
  first.sockets[0].end()
  await first.openStream()
  const second = client({ storage: kept })
  await settled()
  assert.deepEqual([second.sockets.length, second.asked('sse').length], [0, 1])
})

test('it is forgotten after a day, for another server, and when it is not readable', () => {
  const kept = storage()
  new TransportMemory('http://a', kept).save('poll')
  assert.equal(new TransportMemory('http://a', kept).recall(), 'poll')
  assert.equal(new TransportMemory('http://b', kept).recall(), undefined)
  const [[key]] = kept.items
  for (const text of ['{', '{"name":"pigeon","at":9e15}', JSON.stringify({ name: 'sse', at: Date.now() - 86_400_001 })]) {
    kept.items.set(key, text)
    assert.equal(new TransportMemory('http://a', kept).recall(), undefined, text)
  }
})

test('a storage that throws costs nothing', () => {
  const broken = { getItem() { throw new Error('no') }, setItem() { throw new Error('full') } }
  const memory = new TransportMemory('http://a', broken)
  memory.save('sse')
  assert.equal(memory.recall(), undefined)
})
