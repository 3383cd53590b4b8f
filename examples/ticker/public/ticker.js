// A page without a client library: REST for the first list, the browser's own EventSource for what comes after it.
const KEPT = 240
const AWAY = 5_000
const AGAIN = 2_000

const show = (id, text) => {
  document.getElementById(id).textContent = text
}
const status = document.querySelector('#status')
const away = document.querySelector('#away')
const draw = priceChart(document.querySelector('#chart'))

let ticks = []
let cursor, source
let missed = 0
let reconnects = 0

const add = (tick) => {
  const last = ticks.at(-1)?.number ?? tick.number - 1
  // The list may have this one already.
  if (tick.number <= last) return
  missed += tick.number - last - 1
  ticks.push(tick)
  if (ticks.length > KEPT) ticks.shift()
}

const refresh = () => {
  draw(ticks)
  const change = (ticks.at(-1)?.price ?? 0) - (ticks[0]?.price ?? 0)
  show('now', ticks.at(-1)?.price.toFixed(2) ?? '–')
  show('change', `${change < 0 ? '▼' : '▲'} ${Math.abs(change).toFixed(2)}`)
  document.querySelector('#change').className = change < 0 ? 'down' : 'up'
  show('number', ticks.at(-1)?.number ?? '–')
  show('missed', missed)
  show('reconnects', reconnects)
  show('cursor', cursor)
}

// A replay brings many ticks at once; they are drawn once.
let isWaiting = false
const refreshSoon = () => {
  if (isWaiting) return
  isWaiting = true
  requestAnimationFrame(() => {
    isWaiting = false
    refresh()
  })
}

const tell = (state) => {
  status.textContent = state
  status.className = state
  away.disabled = state !== 'live'
}

/** Listens from the cursor on. */
const listen = () => {
  let wasLive = false
  source = new EventSource(`/realtime?transport=sse&names=1&since=${encodeURIComponent(cursor)}`)
  const keep = ({ lastEventId }) => {
    cursor = lastEventId || cursor
    refreshSoon()
  }
  source.addEventListener('ready', (event) => {
    if (wasLive) reconnects += 1
    wasLive = true
    tell('live')
    keep(event)
  })
  source.addEventListener('ticker price', (event) => {
    add(JSON.parse(event.data))
    keep(event)
  })
  source.addEventListener('hb', keep)
  // The server cannot go on from the cursor, for example because it has restarted.
  source.addEventListener('reset', () => {
    source.close()
    begin()
  })
  source.addEventListener('error', () => {
    tell('reconnecting')
    // It reconnects by itself, with its last cursor, unless the answer was not a stream.
    if (source.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN)
  })
}

/** Reads the list, and listens from where the server stood before: so there is no hole between the two. */
const begin = async () => {
  try {
    const response = await fetch('/ticker')
    if (!response.ok) throw new Error(`the server answers ${response.status}`)
    cursor = response.headers.get('Event-Cursor')
    ticks = await response.json()
    refreshSoon()
    listen()
  } catch {
    tell('reconnecting')
    setTimeout(begin, AGAIN)
  }
}

away.addEventListener('click', () => {
  source.close()
  tell('away')
  setTimeout(() => {
    reconnects += 1
    listen()
  }, AWAY)
})

begin()
