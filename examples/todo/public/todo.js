// The page uses the official Feathers client: what it lists, and the events that it gets, are the server's own state.
const list = document.querySelector('#todos')
const form = document.querySelector('form')
const error = document.querySelector('#error')
const status = document.querySelector('#status')
const inUse = document.querySelector('#in-use')
const choice = document.querySelector('#transport')
const items = new Map()

let connection, todos, chosen
let isFresh = false
let reading = Promise.resolve()

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

// The list

const show = (todo) => {
  let item = items.get(todo.id)
  if (!item) {
    item = document.createElement('li')
    const label = document.createElement('label')
    const box = Object.assign(document.createElement('input'), { type: 'checkbox' })
    const text = Object.assign(document.createElement('span'), { className: 'text' })
    const remove = Object.assign(document.createElement('button'), { className: 'remove', textContent: '×' })
    box.addEventListener('change', async () => {
      const isDone = await attempt(() => todos.patch(todo.id, { done: box.checked }))
      if (!isDone) box.checked = item.classList.contains('done')
    })
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

const read = () => {
  isFresh = true
  reading = reading.then(async () => {
    const all = []
    isFresh = await attempt(async () => all.push(...await todos.find()))
    if (!isFresh) return
    const known = new Set(all.map((todo) => todo.id))
    for (const id of [...items.keys()]) if (!known.has(id)) hide(id)
    all.forEach(show)
    count()
  })
}

// What happens while the list is read is applied after it, so that an old list never hides something new.
const hear = (apply) => (todo) => reading.then(() => apply(todo))

// The connection

const told = {
  live(transport) {
    status.textContent = 'live'
    status.className = 'live'
    inUse.textContent = `over ${transport}`
    if (!isFresh) read()
  },
  lost() {
    status.textContent = 'reconnecting'
    status.className = ''
    inUse.textContent = ''
  },
  stale: read
}

const connect = (name) => {
  const previous = connection
  connection = name === 'socketio' ? overSocketIo(told) : overRealtime(name, told)
  previous?.close()
  status.textContent = 'connecting'
  isFresh = false
  todos = connection.app.service('todos')
  for (const event of ['created', 'updated', 'patched']) todos.on(event, hear(show))
  todos.on('removed', hear(({ id }) => hide(id)))
}

/** Takes another transport. From one of the realtime endpoint to another, the old one stays until the new one stands. */
const take = async (name) => {
  const canStay = connection?.use && name !== 'socketio'
  if (!await attempt(() => canStay ? connection.use(name) : connect(name))) {
    choice.value = chosen
    return
  }
  chosen = name
  history.replaceState(null, '', `?transport=${name}`)
}

form.addEventListener('submit', async (event) => {
  event.preventDefault()
  const input = form.elements.text
  if (await attempt(() => todos.create({ text: input.value }))) input.value = ''
})

choice.addEventListener('change', () => take(choice.value))
const asked = new URLSearchParams(location.search).get('transport')
choice.value = [...choice.options].some(({ value }) => value === asked) ? asked : 'auto'
take(choice.value)
