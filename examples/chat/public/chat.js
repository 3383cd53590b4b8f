// The page uses the official Feathers client: what it shows, and the events that it gets, are the server's own state.
import { connect } from './connect.js'
import { find, tell } from './dom.js'
import * as messages from './messages.js'
import * as people from './people.js'
import * as rooms from './rooms.js'
import * as typing from './typing.js'

const PAGE = 25
/** How often the others get the event that this user is typing, in milliseconds. */
const TYPING = 2_000

const choice = find('#transport')

let connection, app, me
let room = null
let reading = Promise.resolve()

const service = (path) => app.service(path)
const members = (id) => service(`rooms/${id}/members`)
// The message of a conflict names what is taken; that of bad data is with its field.
const reason = (failure) => (failure.code !== 409 && failure.data?.[0]?.message) || failure.message
const isRefusal = ({ code }) => code === 401 || code === 403

/** Does something, and shows why if it cannot be done. */
const attempt = async (work, place = find('#error')) => {
  tell(place)
  try {
    await work()
    return true
  } catch (failure) {
    tell(place, reason(failure))
    return false
  }
}

// The state of the page

const does = ({ userId }) => ({
  isOwn: userId === me.id,
  remove: (id) => attempt(() => service('messages').remove(id))
})

/** What the button beside a user does, if there is one. */
const ban = ({ id }) => {
  if (me.role !== 'admin' || id === me.id) return undefined
  return () => attempt(() => service('bans').create({ userId: id }))
}

const findMessages = (query) => service('messages').find({
  query: { room, $sort: { createdAt: -1, id: -1 }, $limit: PAGE, ...query }
})

const showPage = ({ total, data }, into) => {
  into(data.reverse(), does)
  find('#earlier').hidden = total <= data.length
}

/** Reads everything again. Rooms are joined by a connection, so each new one joins again, and then reads. */
const read = () => {
  const own = app
  reading = reading.then(() => attempt(async () => {
    if (!me || own !== app) return
    if (room !== null) await members(room).create({})
    const [page, online, all] = await Promise.all([findMessages(), service('presence').find(), service('rooms').find()])
    if (!me || own !== app) return
    showPage(page, messages.replace)
    people.replace(online, ban)
    rooms.replace(all, room, enter)
  }))
}

const enter = (id) => {
  const left = room
  room = id
  typing.clear()
  find('#text').focus()
  if (left !== null && left !== id) attempt(() => members(left).remove(null))
  read()
}

const readEarlier = () => {
  const here = room
  reading = reading.then(() => attempt(async () => {
    if (!me || here !== room) return
    const page = await findMessages({ id: { $lt: messages.first() } })
    if (me && here === room) showPage(page, messages.prepend)
  }))
}

// What the server sends

/** What happens while something is read is applied after it, so that an old list never hides something new. */
const hear = (path, event, apply) => {
  const own = app
  service(path).on(event, (data) => { reading = reading.then(() => own === app && me && apply(data)) })
}

const isHere = (data) => data.room === room

const listen = () => {
  for (const event of ['created', 'patched']) {
    hear('messages', event, (message) => {
      if (!isHere(message)) return
      messages.show(message, does)
      typing.stop(message.user)
    })
  }
  hear('messages', 'removed', messages.hide)
  hear('messages', 'typing', (data) => isHere(data) && data.user.id !== me.id && typing.start(data.user))
  hear('presence', 'came', (user) => people.come(user, ban))
  hear('presence', 'went', (user) => {
    people.go(user, ban)
    typing.stop(user)
  })
  hear('rooms', 'created', (one) => rooms.add(one, room, enter))
}

// The connection

const told = {
  live(transport) {
    find('#status').textContent = 'live'
    find('#status').className = 'live'
    find('#in-use').textContent = `over ${transport}`
    if (me) read()
  },
  lost() {
    find('#status').textContent = 'reconnecting'
    find('#status').className = ''
    find('#in-use').textContent = ''
  },
  stale: () => me && read(),
  refused: (error) => me && isRefusal(error) && leave(`You have been logged out: ${reason(error)}`)
}

/** Connects, and goes in if an earlier page has left a token. */
const begin = async () => {
  connection = connect(choice.value, told)
  app = connection.app
  listen()
  try {
    goIn(await app.reAuthenticate())
  } catch (failure) {
    // Without a token there is nothing to tell.
    stayOut(failure.message.startsWith('No accessToken') ? '' : reason(failure))
  }
}

const stayOut = (why) => {
  me = undefined
  find('#chat').hidden = find('#me').hidden = true
  find('#door').hidden = false
  tell(find('#door-error'), why)
  find('#email').focus()
}

const goIn = ({ user }) => {
  me = user
  find('#door').hidden = true
  find('#chat').hidden = find('#me').hidden = false
  find('#own-email').textContent = me.email
  find('#password').value = ''
  find('#text').focus()
  read()
}

/** Ends the connection and begins a new one, so that nothing of the login is left. */
const leave = async (why) => {
  stayOut(why)
  connection.close()
  told.lost()
  room = null
  messages.replace([], does)
  typing.clear()
  await app.authentication.removeAccessToken()
  await begin()
  tell(find('#door-error'), why)
}

// The forms

find('#login').addEventListener('submit', (event) => {
  event.preventDefault()
  const form = event.currentTarget
  const account = { email: form.elements.email.value.trim().toLowerCase(), password: form.elements.password.value }
  attempt(async () => {
    if (event.submitter?.value === 'sign-up') await service('users').create(account)
    goIn(await app.authenticate({ strategy: 'local', ...account }))
  }, find('#door-error'))
})

find('#log-out').addEventListener('click', async () => {
  const own = app
  me = undefined
  await own.logout().catch(() => {})
  leave('')
})

let toldAt = 0

find('#say').addEventListener('submit', async (event) => {
  event.preventDefault()
  const input = find('#text')
  const text = input.value.trim()
  if (!text) return
  toldAt = 0
  const own = app
  await attempt(async () => {
    const message = await service('messages').create({ text, ...(room !== null && { room }) })
    input.value = ''
    // A page that polls need not wait for the event.
    reading = reading.then(() => own === app && me && isHere(message) && messages.show(message, does))
  })
})

find('#text').addEventListener('input', () => {
  if (Date.now() - toldAt < TYPING) return
  toldAt = Date.now()
  service('typing').create({ room }).catch(() => {})
})

find('#new-room').addEventListener('submit', async (event) => {
  event.preventDefault()
  const { name } = event.currentTarget.elements
  await attempt(async () => {
    const created = await service('rooms').create({ name: name.value.trim() })
    name.value = ''
    enter(created.id)
  })
})

find('#earlier').addEventListener('click', readEarlier)

// The token is kept, so another page with another transport is still logged in.
choice.addEventListener('change', () => location.assign(`?transport=${choice.value}`))
const asked = new URLSearchParams(location.search).get('transport')
choice.value = [...choice.options].some(({ value }) => value === asked) ? asked : 'auto'
begin()
