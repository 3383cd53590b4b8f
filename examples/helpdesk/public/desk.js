// One desk: a login, the tickets that its user may see, and the ticket that is open.
import { make, tell } from './dom.js'
import { Records } from './records.js'

const { feathers, FeathersRealtime } = window
const PASSWORD = 'helpdesk'
const USERS = ['cara@acme.example', 'dave@acme.example', 'alan@acme.example', 'root@acme.example', 'gwen@globex.example', 'gus@globex.example']

const date = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'short' })
const reason = (failure) => failure.data?.[0]?.message ?? failure.message

/** Keeps the token of one desk: the two of a page are not logged in as the same user. */
const memory = () => {
  const items = new Map()
  return {
    getItem: (key) => items.get(key), setItem: (key, value) => items.set(key, value), removeItem: (key) => items.delete(key)
  }
}

export class Desk {
  #email
  #open

  constructor(section, email) {
    this.#email = email
    section.append(document.querySelector('#desk').content.cloneNode(true))
    this.find = (selector) => section.querySelector(selector)
    const choice = this.find('.user')
    choice.append(...USERS.map((user) => make('option', { value: user, textContent: user, selected: user === email })))
    choice.addEventListener('change', () => {
      this.#email = choice.value
      this.open()
    })
    this.#onSubmit('.new-ticket', ({ subject }) => this.app.service('tickets').create({ subject: subject.value }))
    this.#onSubmit('.new-comment', ({ text, internal }) => this.app.service('comments').create({
      ticketId: this.#open, text: text.value, ...(internal.checked && { internal: true })
    }))
    this.#onSubmit('.new-attachment', ({ file }) => this.#upload(file.files[0]))
  }

  /** Connects and logs in as the chosen user, in place of the one before. */
  async open() {
    this.app?.realtime.close()
    this.#open = undefined
    const remote = FeathersRealtime.realtime('')
    const app = feathers().configure(remote).configure(feathers.authentication({ storage: memory() }))
    app.use('tickets', remote.service('tickets'), { methods: ['find', 'get', 'create', 'patch', 'close'] })
    this.app = app
    app.realtime.on('connect', ({ transport }) => { this.find('.status').textContent = `live over ${transport}` })
    app.realtime.on('disconnect', () => { this.find('.status').textContent = 'reconnecting' })
    app.realtime.on('reset', () => this.#read())
    this.tickets = new Records(app.service('tickets'), (tickets) => this.#drawTickets(tickets))
    this.comments = new Records(app.service('comments'), (comments) => this.#drawComments(comments))
    this.attachments = new Records(app.service('attachments'), (files) => this.#drawAttachments(files))
    this.#drawTicket()
    await this.#attempt(async () => {
      const login = await app.authenticate({ strategy: 'local', email: this.#email, password: PASSWORD })
      this.user = login.user
      this.find('.staff').hidden = this.user.role === 'customer'
      const presence = app.service('presence')
      const people = async () => {
        const online = await presence.find()
        this.find('.people').textContent = online.map(({ name }) => name).join(', ')
      }
      for (const event of ['came', 'went']) presence.on(event, people)
      await Promise.all([people(), this.#read()])
    })
  }

  async #read() {
    await this.tickets.read()
    if (this.#open !== undefined) await this.#show(this.#open)
  }

  /** Opens a ticket: its comments and attachments. */
  #show(id) {
    this.#open = id
    this.#drawTicket()
    const query = { ticketId: id }
    const matches = ({ ticketId }) => ticketId === id
    return Promise.all([this.comments.read(query, matches), this.attachments.read(query, matches)])
  }

  #drawTickets(tickets) {
    tell(this.find('.empty'), tickets.length ? '' : 'There is no ticket here.')
    this.find('.tickets').replaceChildren(...tickets.map(({ id, subject, status, requester }) => {
      const button = make('button', { className: 'plain', textContent: subject })
      button.addEventListener('click', () => this.#attempt(() => this.#show(id)))
      const facts = [status, requester?.name].filter(Boolean).join(' · ')
      return make('li', { className: status }, button, make('small', { textContent: facts }))
    }))
    this.#drawTicket()
  }

  #drawTicket() {
    const ticket = this.#open === undefined ? undefined : this.tickets.get(this.#open)
    this.find('.ticket').hidden = !ticket
    if (!ticket) return
    const { id, subject, status, dueAt, cost, requester } = ticket
    this.find('.subject').textContent = subject
    const facts = [
      status,
      requester && `from ${requester.name}`,
      dueAt && `due ${date.format(new Date(dueAt))}`,
      cost !== undefined && `cost ${cost ?? 'unknown'}`
    ]
    this.find('.facts').textContent = facts.filter(Boolean).join(' · ')
    const action = (name, does) => {
      const button = make('button', { className: 'second', textContent: name })
      button.addEventListener('click', () => this.#attempt(does))
      return button
    }
    const tickets = this.app.service('tickets')
    const actions = this.user?.role === 'customer'
      ? []
      : [
          status === 'closed'
            ? action('Open again', () => tickets.patch(id, { status: 'open' }))
            : action('Close', () => tickets.close({ id })),
          action('Due tomorrow', () => tickets.patch(id, { dueAt: new Date(Date.now() + 86_400_000).toISOString() })),
          action('Cost 40.00', () => tickets.patch(id, { cost: '40.00' }))
        ]
    this.find('.actions').replaceChildren(...actions)
  }

  #drawComments(comments) {
    this.find('.comments').replaceChildren(...comments.map(({ text, internal, author, createdAt }) => {
      const head = [author?.name, date.format(new Date(createdAt)), internal && 'internal'].filter(Boolean).join(' · ')
      return make('li', { className: internal ? 'internal' : '' },
        make('small', { textContent: head }), make('p', { textContent: text }))
    }))
  }

  #drawAttachments(files) {
    this.find('.attachments').replaceChildren(...files.map(({ id, name, size }) => {
      const button = make('button', { className: 'plain', textContent: name })
      button.addEventListener('click', () => this.#attempt(() => this.#download(id, name)))
      return make('li', {}, button, make('small', { textContent: `${size} bytes` }))
    }))
  }

  async #fetch(path, options = {}) {
    const { accessToken } = await this.app.get('authentication')
    const response = await fetch(path, { ...options, headers: { ...options.headers, Authorization: `Bearer ${accessToken}` } })
    if (!response.ok) throw await response.json()
    return response
  }

  #upload(file) {
    const path = `/files/${this.#open}?name=${encodeURIComponent(file.name)}`
    const headers = { 'Content-Type': file.type || 'application/octet-stream' }
    return this.#fetch(path, { method: 'POST', body: file, headers })
  }

  async #download(id, name) {
    const body = await (await this.#fetch(`/files/${id}`)).blob()
    const link = make('a', { href: URL.createObjectURL(body), download: name })
    link.click()
    URL.revokeObjectURL(link.href)
  }

  #onSubmit(selector, does) {
    const form = this.find(selector)
    form.addEventListener('submit', async (event) => {
      event.preventDefault()
      if (await this.#attempt(() => does(form.elements))) form.reset()
    })
  }

  /** Does something, and shows why if it cannot be done. */
  async #attempt(work) {
    tell(this.find('.error'))
    try {
      await work()
      return true
    } catch (failure) {
      tell(this.find('.error'), reason(failure))
      return false
    }
  }
}
