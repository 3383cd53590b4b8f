import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Position } from '../dist/position.js'

test('each event is new once', () => {
  const position = new Position('e-5')
  const orders = ['e-6', 'e-6', 'e-5', 'e-9', 'e-10', 'e-9'].map((cursor) => position.admit(cursor))
  assert.deepEqual(orders, ['new', 'old', 'old', 'new', 'new', 'old'])
  assert.equal(position.cursor, 'e-10')
})

test('without a position the first event is new', () => {
  const position = new Position()
  assert.equal(position.admit('e-1'), 'new')
  assert.equal(position.cursor, 'e-1')
})

test('numbers with more digits than JavaScript keeps are compared exactly', () => {
  const position = new Position('e-18446744073709551613')
  assert.equal(position.admit('e-18446744073709551614'), 'new')
  assert.equal(position.admit('e-18446744073709551613'), 'old')
})

test('a heartbeat moves forward only, and never into another epoch', () => {
  const position = new Position('e-5')
  for (const cursor of ['e-7', 'e-6', 'f-9']) position.advance(cursor)
  assert.equal(position.cursor, 'e-7')
})

test('an event of an unknown log is recognised', () => {
  const position = new Position('e-5')
  assert.equal(position.admit('f-1'), 'foreign')
  assert.equal(position.admit('f-1'), 'old')
})

test('a reset may go anywhere', () => {
  const position = new Position('e-5')
  position.reset('f-1')
  assert.equal(position.admit('f-2'), 'new')
})
