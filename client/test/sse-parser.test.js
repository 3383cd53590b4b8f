// Cases of the HTML standard and its web platform tests, each also cut into pieces at every place.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { SseParser } from '../dist/sse-parser.js'

function read(pieces) {
  const seen = []
  const parser = new SseParser({
    message: ({ type, data, id }) => seen.push([type, data, id]),
    retry: (ms) => seen.push(['retry', ms])
  })
  for (const piece of pieces) parser.push(piece)
  return seen
}

const CASES = {
  'a message': ['data: a\n\n', [['message', 'a', '']]],
  'no space after the colon': ['data:a\n\n', [['message', 'a', '']]],
  'only one space is taken': ['data:  a\n\n', [['message', ' a', '']]],
  'a tab is data': ['data:\ta\n\n', [['message', '\ta', '']]],
  'lines are joined': ['data: a\ndata: b\n\n', [['message', 'a\nb', '']]],
  'data without a colon is an empty line': ['data\ndata\n\n', [['message', '\n', '']]],
  'empty data is a message': ['data:\n\n', [['message', '', '']]],
  'no data is no message': ['event: a\nid: 1\n\ndata: b\n\n', [['message', 'b', '1']]],
  'CR ends lines': ['data: a\r\rdata: b\r\r', [['message', 'a', ''], ['message', 'b', '']]],
  'CRLF ends lines': ['data: a\r\n\r\ndata: b\r\n\r\n', [['message', 'a', ''], ['message', 'b', '']]],
  'line ends are mixed': ['data: a\ndata: b\rdata: c\r\n\n', [['message', 'a\nb\nc', '']]],
  'comments are passed over': [':\n: data: x\ndata: a\n:b\n\n', [['message', 'a', '']]],
  'unknown fields are passed over': ['datum: x\nDATA: x\n data: x\ndata: a\n\n', [['message', 'a', '']]],
  'a colon in the data stays': ['data: a:b\n\n', [['message', 'a:b', '']]],
  'a name holds for one message': ['event: e\ndata: a\n\ndata: b\n\n', [['e', 'a', ''], ['message', 'b', '']]],
  'an empty name is none': ['event: e\nevent:\ndata: a\n\n', [['message', 'a', '']]],
  'an id stays': ['id: 1\ndata: a\n\ndata: b\n\n', [['message', 'a', '1'], ['message', 'b', '1']]],
  'an empty id clears it': ['id: 1\ndata: a\n\nid\ndata: b\n\n', [['message', 'a', '1'], ['message', 'b', '']]],
  'an id with NUL is none': ['id: 1\0\ndata: a\n\n', [['message', 'a', '']]],
  'retry is digits': ['retry: 2000\nretry: 1e3\nretry: -1\nretry:\n', [['retry', 2000]]],
  'one BOM is passed over': ['\uFEFFdata: a\n\n', [['message', 'a', '']]],
  'a second BOM is not': ['\uFEFF\uFEFFdata: a\n\n', []],
  'a BOM later is data': ['data: \uFEFFa\n\n', [['message', '\uFEFFa', '']]],
  'the end cuts a message off': ['data: a\n\nid: 2\ndata: b\n', [['message', 'a', '']]],
  'what the server sends': [
    'retry: 2000\n\nevent: ready\nid: e-1\ndata: {"path":"realtime"}\n\nid: e-2\ndata: {}\n\nevent: hb\nid: e-3\ndata:{}\n\n',
    [['retry', 2000], ['ready', '{"path":"realtime"}', 'e-1'], ['message', '{}', 'e-2'], ['hb', '{}', 'e-3']]
  ]
}

for (const [name, [text, expected]] of Object.entries(CASES)) {
  test(name, () => {
    assert.deepEqual(read([text]), expected)
    assert.deepEqual(read([...text]), expected, 'one by one')
    for (let at = 1; at < text.length; at += 1) {
      assert.deepEqual(read([text.slice(0, at), text.slice(at)]), expected, `cut at ${at}`)
    }
  })
}
