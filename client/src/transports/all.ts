// The transports by name.

import type { TransportName } from '../transport-fallback.js'
import type { Transport } from '../link.js'
import { longpoll, poll } from './poll.js'
import { sse } from './sse.js'
import { websocket } from './websocket.js'

export const transports: Record<TransportName, Transport> = { websocket, sse, longpoll, poll }
