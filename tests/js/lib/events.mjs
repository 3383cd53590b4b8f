// Events to listen to: the peer's service `ev` stores nothing and publishes what it is given.

/** Publishes an event for each number, past everything, straight to the server. */
export async function publish(server, numbers, fields = {}) {
  const response = await fetch(`${server.url}/ev`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(numbers.map((n) => ({ n, ...fields })))
  })
  const text = await response.text()
  if (response.status !== 201) throw new Error(text)
}

/** The numbers from one up to another, without that. */
export const numbers = (from, to) => Array.from({ length: to - from }, (_, number) => from + number)
