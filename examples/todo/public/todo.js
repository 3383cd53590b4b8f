// The page uses the official Feathers client: what it lists, and what it hears of, is the server's own state.
const socket = io()
const todos = feathers().configure(feathers.socketio(socket)).service('todos')

const list = document.querySelector('#todos')
const form = document.querySelector('form')
const error = document.querySelector('#error')
const status = document.querySelector('#status')
const items = new Map()

const attempt = async (work) => {
  error.hidden = true
  try {
    await work()
    return true
  } catch (failure) {
    error.textContent = failure.data?.[0]?.message ?? failure.message
    error.hidden = false
    return false
  }
}

const show = (todo) => {
  let item = items.get(todo.id)
  if (!item) {
    item = document.createElement('li')
    const label = document.createElement('label')
    const box = Object.assign(document.createElement('input'), { type: 'checkbox' })
    const text = Object.assign(document.createElement('span'), { className: 'text' })
    const remove = Object.assign(document.createElement('button'), { className: 'remove', textContent: '×' })
    box.addEventListener('change', () => attempt(() => todos.patch(todo.id, { done: box.checked })))
    remove.addEventListener('click', () => attempt(() => todos.remove(todo.id)))
    label.append(box, text)
    item.append(label, remove)
    items.set(todo.id, item)
    list.append(item)
  }
  item.querySelector('input').checked = todo.done
  item.querySelector('.text').textContent = todo.text
  item.querySelector('.remove').ariaLabel = `Remove ${todo.text}`
  item.classList.toggle('done', todo.done)
  count()
}

const hide = (id) => {
  items.get(id)?.remove()
  items.delete(id)
  count()
}

const count = () => {
  document.querySelector('#empty').hidden = items.size > 0
}

// After every connect the list is read again, so that nothing that happened in between is missing.
const load = () => attempt(async () => {
  const all = await todos.find()
  const known = new Set(all.map((todo) => todo.id))
  for (const id of [...items.keys()]) if (!known.has(id)) hide(id)
  all.forEach(show)
  count()
})

todos.on('created', show)
todos.on('updated', show)
todos.on('patched', show)
todos.on('removed', (todo) => hide(todo.id))

socket.on('connect', () => {
  status.textContent = 'live'
  status.className = 'live'
  load()
})
socket.on('disconnect', () => {
  status.textContent = 'reconnecting'
  status.className = ''
})

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const input = form.elements.text
  if (await attempt(() => todos.create({ text: input.value }))) input.value = ''
})
