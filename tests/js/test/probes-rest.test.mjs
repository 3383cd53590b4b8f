// Replays recorded requests: an answer must be the one that either original server gave, or an accepted difference.
import assert from 'node:assert/strict'
import http from 'node:http'
import { accepted, ignoredHeaders, leftover, normal, rest } from '../lib/golden.mjs'
import { start } from '../lib/server.mjs'

function request(port, { method, path, body, headers = {} }) {
  const text = typeof body === 'object' ? body.before + body.repeat.repeat(body.times) + body.after : body
  const defaults = { accept: 'application/json', ...(text === undefined ? {} : { 'content-type': 'application/json' }) }
  // A null takes a default header away.
  const sent = Object.fromEntries(Object.entries({ ...defaults, ...headers }).filter(([, value]) => value !== null))
  return new Promise((resolve, reject) => {
    // Each request has a connection of its own, so that a broken one cannot spoil the next.
    const outgoing = http.request({ host: '127.0.0.1', port, method, path, headers: sent, agent: false }, (answer) => {
      const chunks = []
      answer.on('data', (chunk) => chunks.push(chunk))
      answer.on('end', () => resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks).toString() }))
    })
    // A server may answer and close before it has read a body that is too large.
    outgoing.on('error', reject)
    if (text !== undefined) outgoing.write(text)
    outgoing.end()
  })
}


function semantic(headers) {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => !ignoredHeaders.has(name)).sort())
}

/** Says in what an answer is not the recorded one; an empty list means it is. */
function misses(answer, recorded) {
  const wrong = []
  if (answer.status !== recorded.status) wrong.push(`status ${answer.status}, not ${recorded.status}`)
  const type = recorded.headers ? recorded.headers['content-type'] ?? null : recorded.type
  if (type !== undefined && (answer.headers['content-type'] ?? null) !== type) {
    wrong.push(`content-type ${answer.headers['content-type']}, not ${type}`)
  }
  if (recorded.headers) {
    const [is, should] = [semantic(answer.headers), semantic(recorded.headers)]
    if (JSON.stringify(is) !== JSON.stringify(should)) wrong.push(`headers ${JSON.stringify(is)}, not ${JSON.stringify(should)}`)
  }
  const body = normal(answer.body)
  if (recorded.start !== undefined) {
    if (!body.startsWith(recorded.start)) wrong.push(`body ${body.slice(0, 300)}, not ${recorded.start}..`)
  } else if (recorded.body !== undefined && body !== recorded.body) {
    wrong.push(`body ${body.slice(0, 600)}, not ${recorded.body}`)
  }
  return wrong
}

describe('recorded REST answers', () => {
  let peer
  before(async () => { peer = await start('peer') })
  after(() => peer?.stop())

  it('has no difference listed for a case that is gone', () => assert.deepEqual(leftover('rest', rest), []))

  for (const recorded of rest) {
    it(`${recorded.name}: ${recorded.method} ${recorded.path.slice(0, 80)}`, async () => {
      const answer = await request(peer.port, recorded)
      const koa = misses(answer, recorded.koa)
      const express = misses(answer, recorded.express)
      const difference = accepted.rest[recorded.name]
      if (koa.length === 0 || express.length === 0) {
        assert.equal(difference, undefined, 'listed as a difference, but there is none')
        return
      }
      assert.ok(difference, `koa: ${koa.join('; ')}\nexpress: ${express.join('; ')}`)
      assert.ok(difference.reason, 'a difference needs a reason')
      assert.deepEqual(misses(answer, difference), [])
    })
  }
})
