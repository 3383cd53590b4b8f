// Polls of the realtime endpoint, one request each.
import assert from 'node:assert/strict'

/** Asks once; nothing that is for a proxy may be in the answer. The secret of a session goes into its header. */
export async function poll(url, { connectionToken, ...query } = {}, headers = {}) {
  if (connectionToken) headers = { ...headers, 'X-Connection-Token': connectionToken }
  const response = await fetch(`${url}/realtime?${new URLSearchParams(query)}`, { headers })
  const text = await response.text()
  assert.equal(response.status, 200, text)
  assert.deepEqual([...response.headers.keys()].filter((name) => name.startsWith('grip-')), [])
  return JSON.parse(text)
}

/** The numbers of the events of the peer's `ev`. */
export const heard = ({ events }) => events.map(({ data }) => data.n)
