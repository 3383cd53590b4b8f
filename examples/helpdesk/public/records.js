// A list of records that stays current: read once, then kept by the events of its service.
//
// The server decides what this user may see. A record that comes into sight is told as `created`, and one that leaves
// it as `removed`, so that nothing here knows of rights.

export class Records {
  #items = new Map()
  #reading = Promise.resolve()
  #matches = () => true

  constructor(service, draw) {
    this.service = service
    this.draw = draw
    for (const event of ['created', 'updated', 'patched']) {
      service.on(event, ({ id }) => this.#hear(() => this.#put(id)))
    }
    service.on('removed', ({ id }) => this.#hear(() => this.#items.delete(id)))
  }

  /** Reads all that match; `matches` says the same of a record that an event brings. */
  read(query = {}, matches = () => true) {
    this.#matches = matches
    this.#reading = this.#reading.catch(() => {}).then(async () => {
      const { data } = await this.service.find({ query: { ...query, $limit: 100 } })
      this.#items = new Map(data.map((record) => [record.id, record]))
      this.#draw()
    })
    return this.#reading
  }

  get(id) {
    return this.#items.get(id)
  }

  /** Reads a record that has changed, with the related ones that this user may see: an event has none of those. */
  async #put(id) {
    const record = await this.service.get(id).catch(() => undefined)
    if (record && this.#matches(record)) this.#items.set(id, record)
    else this.#items.delete(id)
  }

  // What happens while the list is read is applied after it, so that an old list never hides something new.
  #hear(apply) {
    this.#reading = this.#reading.catch(() => {}).then(async () => {
      await apply()
      this.#draw()
    })
  }

  #draw() {
    this.draw([...this.#items.values()].sort((one, other) => one.id - other.id))
  }
}
