// The list of messages: in the order in which they were said, each once.
import { avatar, find, make } from './dom.js'

const list = find('#messages')
const scroll = find('#scroll')
const items = new Map()

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' })
const isAtEnd = () => scroll.scrollHeight - scroll.scrollTop - scroll.clientHeight < 80
const toEnd = () => { scroll.scrollTop = scroll.scrollHeight }

// A page that shows the end stays there, also when a keyboard takes half of the screen.
let follows = true
scroll.addEventListener('scroll', () => { follows = isAtEnd() })
new ResizeObserver(() => follows && toEnd()).observe(scroll)

const item = ({ id, createdAt, user }, { isOwn, remove }) => {
  const date = new Date(createdAt)
  const time = make('time', { dateTime: date.toISOString(), title: date.toLocaleString() }, clock.format(date))
  const head = make('p', { className: 'head' }, make('strong', { textContent: user.email }), time)
  if (isOwn) {
    const button = make('button', { className: 'plain', textContent: '×', ariaLabel: 'Remove this message' })
    button.addEventListener('click', () => remove(id))
    head.append(button)
  }
  const text = make('p', { className: 'text' })
  return make('li', { id: `message-${id}`, className: isOwn ? 'own' : '' }, avatar(user), make('div', {}, head, text))
}

const count = () => { find('#empty').hidden = items.size > 0 }

/** The id of the first message on the page. */
export const first = () => Math.min(...items.keys())

/** Shows a message, or its new text. */
export function show(message, does) {
  const stays = isAtEnd()
  let element = items.get(message.id)
  if (!element) {
    element = item(message, does(message))
    const next = [...items.keys()].filter((id) => id > message.id)
    list.insertBefore(element, next.length ? items.get(Math.min(...next)) : null)
    items.set(message.id, element)
  }
  element.querySelector('.text').textContent = message.text
  count()
  if (stays) toEnd()
}

export function hide({ id }) {
  items.get(id)?.remove()
  items.delete(id)
  count()
}

/** Shows these and no others. */
export function replace(messages, does) {
  const known = new Set(messages.map(({ id }) => id))
  for (const id of [...items.keys()]) if (!known.has(id)) hide({ id })
  for (const message of messages) show(message, does)
  count()
  toEnd()
}

/** Shows earlier ones above the others, and stays where the reader is. */
export function prepend(messages, does) {
  const below = scroll.scrollHeight - scroll.scrollTop
  for (const message of messages) show(message, does)
  scroll.scrollTop = scroll.scrollHeight - below
}
