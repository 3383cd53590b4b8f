// Reads a stream of server-sent events, as the HTML standard has it (9.2.6).
//
// Text comes in pieces that end anywhere. Lines end with LF, CR or CRLF; a block that its end cuts off is no event.

/** One event of a stream. */
export interface SseMessage {
  /** `message` if the stream does not say. */
  type: string
  data: string
  /** The last id of the stream, of this event or of an earlier one; empty if there is none. */
  id: string
}

export interface SseHandler {
  message(message: SseMessage): void
  /** The stream asks for this time before a reconnect, in milliseconds. */
  retry(ms: number): void
}

export class SseParser {
  #rest = ''
  #started = false
  #afterCr = false
  #data: string[] = []
  #type = ''
  #id = ''

  constructor(private readonly handler: SseHandler) {}

  /** Takes the next piece of the stream. */
  push(text: string): void {
    if (text === '') return
    if (!this.#started) {
      this.#started = true
      if (text.startsWith('\uFEFF')) text = text.slice(1)
    }
    // The LF of a CRLF that was cut in two ends no line of its own.
    if (this.#afterCr && text.startsWith('\n')) text = text.slice(1)
    this.#afterCr = text.endsWith('\r')
    const lines = text.split(/\r\n|\r|\n/)
    lines[0] = this.#rest + lines[0]
    this.#rest = lines.pop() ?? ''
    for (const line of lines) this.#line(line)
  }

  #line(line: string): void {
    if (line === '') return this.#dispatch()
    const colon = line.indexOf(':')
    if (colon === 0) return
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'data') this.#data.push(value)
    else if (field === 'event') this.#type = value
    else if (field === 'id' && !value.includes('\0')) this.#id = value
    else if (field === 'retry' && /^[0-9]+$/.test(value)) this.handler.retry(Number(value))
  }

  #dispatch(): void {
    const message = { type: this.#type || 'message', data: this.#data.join('\n'), id: this.#id }
    const fires = this.#data.length > 0
    this.#data = []
    this.#type = ''
    if (fires) this.handler.message(message)
  }
}
