// Who is online.
import { avatar, find, make } from './dom.js'

const list = find('#people')
const people = new Map()

/** `ban` returns for each user the action that bans; without one there is no button. */
const draw = (ban) => {
  const everybody = [...people.values()].sort((one, other) => one.email.localeCompare(other.email))
  list.replaceChildren(...everybody.map((user) => {
    const entry = make('li', {}, avatar(user), make('span', { className: 'name', textContent: user.email }))
    const banned = ban(user)
    if (banned) {
      const button = make('button', { className: 'plain', textContent: 'Ban', ariaLabel: `Ban ${user.email}` })
      button.addEventListener('click', banned)
      entry.append(button)
    }
    return entry
  }))
  find('#count').textContent = people.size
}

export function come(user, ban) {
  people.set(user.id, user)
  draw(ban)
}

export function go(user, ban) {
  people.delete(user.id)
  draw(ban)
}

export function replace(users, ban) {
  people.clear()
  for (const user of users) people.set(user.id, user)
  draw(ban)
}
