// Where a client stands in the server's event log: the last cursor that it has applied.
//
// A cursor is `<epoch>-<number>`. Within an epoch the numbers only grow, so an event that is not beyond the position has
// been applied before: this is what makes "at least once" on the wire "exactly once" for listeners.

/** What an event is to a position: beyond it, applied before, or of an unknown log. */
export type Order = 'new' | 'old' | 'foreign'

export class Position {
  #cursor: string | undefined

  constructor(cursor?: string) {
    this.#cursor = cursor
  }

  get cursor(): string | undefined {
    return this.#cursor
  }

  /** Says what an event at this cursor is, and moves to it unless it is old. */
  admit(cursor: string): Order {
    const order = this.#compare(cursor)
    if (order !== 'old') this.#cursor = cursor
    return order
  }

  /** Moves on without an event, never backwards and never into another epoch. */
  advance(cursor: string): void {
    if (this.#compare(cursor) === 'new') this.#cursor = cursor
  }

  /** Starts again somewhere else, as the server says. */
  reset(cursor: string): void {
    this.#cursor = cursor
  }

  #compare(cursor: string): Order {
    if (this.#cursor === undefined) return 'new'
    const [epoch, number] = split(cursor)
    const [here, last] = split(this.#cursor)
    if (epoch !== here) return 'foreign'
    return isGreater(number, last) ? 'new' : 'old'
  }
}

function split(cursor: string): [epoch: string, number: string] {
  const at = cursor.lastIndexOf('-')
  return at < 0 ? ['', cursor] : [cursor.slice(0, at), cursor.slice(at + 1)]
}

/** Compares decimal numbers as texts, since a JavaScript number has too few digits for some. */
function isGreater(a: string, b: string): boolean {
  return a.length === b.length ? a > b : a.length > b.length
}
