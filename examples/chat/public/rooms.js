// The rooms, and the one that the page shows. `null` is the room that all users are in.
import { find, make } from './dom.js'

const list = find('#rooms')
const rooms = new Map([[null, 'Everybody']])

const draw = (current, enter) => {
  list.replaceChildren(...[...rooms].map(([id, name]) => {
    const button = make('button', { className: 'plain', textContent: name })
    if (id === current) button.ariaCurrent = 'true'
    button.addEventListener('click', () => enter(id))
    return make('li', {}, button)
  }))
}

export function add({ id, name }, current, enter) {
  rooms.set(id, name)
  draw(current, enter)
}

export function replace(all, current, enter) {
  rooms.clear()
  rooms.set(null, 'Everybody')
  for (const { id, name } of all) rooms.set(id, name)
  draw(current, enter)
}
