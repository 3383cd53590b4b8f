import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Backoff } from '../dist/backoff.js'

test('the bound doubles up to the longest, and the wait is anywhere below it', () => {
  const highest = new Backoff(() => 0.9999999)
  assert.deepEqual(Array.from({ length: 7 }, () => highest.next()), [999, 1999, 3999, 7999, 15999, 29999, 29999])
  const lowest = new Backoff(() => 0)
  assert.deepEqual([lowest.next(), lowest.next()], [0, 0])
})

test('a reset begins again', () => {
  const backoff = new Backoff(() => 0.5)
  backoff.next()
  backoff.next()
  assert.equal(backoff.tries, 2)
  backoff.reset()
  assert.equal(backoff.tries, 0)
  assert.equal(backoff.next(), 500)
})

test('the server may ask for another first bound, within the longest', () => {
  const backoff = new Backoff(() => 0.5)
  backoff.startWith(3_000)
  assert.equal(backoff.next(), 1_500)
  backoff.startWith(1e9)
  backoff.reset()
  assert.equal(backoff.next(), 15_000)
})
