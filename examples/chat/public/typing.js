// Who is typing: each name stays for a few seconds, or until the message arrives.
import { find } from './dom.js'

const LASTS = 5_000
const timers = new Map()

const draw = () => {
  const names = [...timers.values()].map(({ email }) => email)
  const verb = names.length === 1 ? 'is' : 'are'
  find('#typing').textContent = names.length ? `${names.join(', ')} ${verb} typing` : ''
}

export function stop({ id }) {
  clearTimeout(timers.get(id)?.timer)
  timers.delete(id)
  draw()
}

export function start(user) {
  stop(user)
  timers.set(user.id, { email: user.email, timer: setTimeout(() => stop(user), LASTS) })
  draw()
}

export function clear() {
  for (const id of [...timers.keys()]) stop({ id })
}
