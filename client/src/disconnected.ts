// The error of a call whose answer cannot come any more.

/** Rejects a call that the connection was lost under, or that could not be sent. */
export class Disconnected extends Error {
  override readonly name = 'Disconnected'
  readonly code = 503
  readonly className = 'disconnected'

  /** @param maybeExecuted whether the server may have got the call and done it; `false` if it was never sent */
  constructor(
    message: string,
    readonly maybeExecuted: boolean
  ) {
    super(message)
  }
}
