// What the transports over HTTP share: how a request is sent and what its status means.

import { convert } from '@feathersjs/errors'
import type { End, LinkContext } from './link.js'
import { refusal } from './refusal.js'

/** Sends a GET to the realtime URL. */
export async function get(
  context: LinkContext,
  query: Record<string, string | undefined>,
  headers: Record<string, string>,
  signal: AbortSignal
): Promise<Response> {
  const url = new URL(context.url)
  for (const [name, value] of Object.entries(query)) if (value !== undefined) url.searchParams.set(name, value)
  const all = { ...(await context.headers()), ...headers }
  return context.fetch(url, { headers: all, signal, cache: 'no-store', credentials: context.credentials })
}

/** Says what an answer means that is no success. */
export async function failure(response: Response): Promise<End> {
  const error = await response.json().then(convert, () => new Error(`the answer was ${response.status}`))
  const after = retryAfter(response)
  if (response.status === 429 || response.status === 503) return { why: 'busy', error, after }
  return { why: refusal(response.status), error, after }
}

/** Reads `Retry-After` where it is a number of seconds, in milliseconds. */
function retryAfter(response: Response): number | undefined {
  const seconds = Number(response.headers.get('retry-after') ?? NaN)
  return Number.isFinite(seconds) && seconds >= 0 ? seconds * 1_000 : undefined
}
