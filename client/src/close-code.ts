// Close codes of a WebSocket, as in RFC 6455, section 7.4; those from 4000 on are the framework's own.

/** The purpose of the connection is fulfilled. */
export const NORMAL = 1000
/** The server shuts down, or the page is left. */
export const AWAY = 1001
/** The other side breaks the protocol. */
export const PROTOCOL = 1002
/** A kind of message that is not taken, such as binary data. */
export const UNSUPPORTED = 1003
/** A text is not valid UTF-8. */
export const INVALID = 1007
/** The client makes too many calls. */
export const POLICY = 1008
/** A message is larger than what is read. */
export const SIZE = 1009
/** The server restarts, and the client may reconnect at once. */
export const RESTART = 1012
/** The server is overloaded, and the client may reconnect later. */
export const AGAIN = 1013
/** The client is to reconnect at once; it misses nothing. */
export const RECONNECT = 4201
/** The credentials are not valid, or no longer. */
export const UNAUTHENTICATED = 4401
/** The server does not want the client. */
export const FORBIDDEN = 4403
/** No `$hello` has come in time. */
export const HELLO_TIMEOUT = 4408
