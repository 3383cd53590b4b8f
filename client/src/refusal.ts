// What a refusal means by its code, which is the same in the answers of HTTP and in those over a WebSocket.

import type { End } from './link.js'

export function refusal(code: unknown): End['why'] {
  if (code === 401) return 'unauthenticated'
  return code === 403 ? 'denied' : 'refused'
}
