// T7: a client that stops reading takes bounded memory, delays no other, and on waking gets all events or one `reset`.
// The client is a process, and it is really stopped. `LONG=1` stops it for a minute.
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { numbers, publish } from '../lib/events.mjs'
import { ways } from '../lib/listening.mjs'
import { start } from '../lib/server.mjs'

const STOPPED = process.env.LONG === '1' ? 60_000 : 3_000
const PATIENCE = 60_000
/** Together more than the buffers of the operating system hold for a client. */
const EVENTS = 6_000
const TEXT = 'x'.repeat(2_000)
const BATCH = 400
/** What is published once the stopped client is back. */
const TAIL = 100
/** More events than that come while the client is stopped, and more than a batch. */
const FEW = '1000'
const MANY = '100000'
/** What a server may hold for the few events that it keeps, once as records and once for each wire format. */
const MEGABYTES = 32

/** A process that listens over all ways. */
class Listener {
  heard = Object.fromEntries(ways.map((way) => [way, { way, readies: 0, numbers: [], resets: [] }]))
  #waiting = new Set()

  constructor(url) {
    const program = fileURLToPath(new URL('../lib/listening.mjs', import.meta.url))
    this.child = spawn(process.execPath, [program, url, ...ways], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.ended = new Promise((resolve) => this.child.on('exit', resolve))
    createInterface({ input: this.child.stdout }).on('line', (line) => {
      const { way, ready, n, reset } = JSON.parse(line)
      const heard = this.heard[way]
      if (ready) heard.readies += 1
      if (n !== undefined) heard.numbers.push(n)
      if (reset) heard.resets.push({ reason: reset, after: heard.numbers.length })
      for (const check of this.#waiting) check()
    })
  }

  /** Waits until something is true of every way. */
  async every(isTrue, what) {
    const missing = () => Object.values(this.heard).filter((heard) => !isTrue(heard))
    let timer
    await new Promise((resolve, reject) => {
      const check = () => {
        if (missing().length > 0) return
        this.#waiting.delete(check)
        resolve()
      }
      timer = setTimeout(() => {
        const told = missing().map(({ numbers, ...heard }) => ({ ...heard, count: numbers.length, last: numbers.at(-1) }))
        reject(new Error(`timed out waiting for ${what}: ${JSON.stringify(told)}`))
      }, PATIENCE)
      this.#waiting.add(check)
      check()
    }).finally(() => clearTimeout(timer))
  }

  stop() {
    this.child.kill('SIGSTOP')
  }

  wake() {
    this.child.kill('SIGCONT')
  }

  isStopped() {
    return /^State:\s+T/m.test(status(this.child.pid))
  }

  async end() {
    this.child.kill('SIGKILL')
    await this.ended
  }
}

const status = (pid) => readFileSync(`/proc/${pid}/status`, 'utf8')
const residentMegabytes = (pid) => Number(status(pid).match(/^VmRSS:\s+(\d+) kB/m)[1]) / 1024

/** Stops a client while thousands of events are published, wakes it, and returns what it and another client got. */
async function run(env) {
  // All events are those of one client, which may fill the log here.
  const server = await start('peer', { env: { ...env, CALLER_PERCENT: '100' } })
  const [sleeper, reader] = [new Listener(server.url), new Listener(server.url)]
  try {
    await Promise.all([sleeper, reader].map((listener) => listener.every(({ readies }) => readies > 0, 'the beginning')))
    await publish(server, numbers(0, BATCH), { text: TEXT })
    await Promise.all([sleeper, reader].map((listener) => listener.every(({ numbers }) => numbers.length === BATCH, 'a batch')))

    sleeper.stop()
    const stopped = Date.now()
    const before = residentMegabytes(server.pid)
    for (let from = BATCH; from < EVENTS; from += BATCH) {
      await publish(server, numbers(from, from + BATCH), { text: TEXT })
      // The next batch comes when the other client has got this one, over every way.
      await reader.every(({ numbers }) => numbers.at(-1) === from + BATCH - 1, `events up to ${from + BATCH}`)
    }
    const grown = residentMegabytes(server.pid) - before
    // The pings and the timeouts of the server are to take place while the client does not read.
    await delay(Math.max(0, stopped + STOPPED - Date.now()))
    assert.ok(sleeper.isStopped())

    sleeper.wake()
    await sleeper.every(({ numbers, resets }) => numbers.length >= EVENTS || resets.length > 0, 'all events or a reset')
    await publish(server, numbers(EVENTS, EVENTS + TAIL), { text: TEXT })
    for (const listener of [sleeper, reader]) {
      await listener.every(({ numbers }) => numbers.at(-1) === EVENTS + TAIL - 1, 'the last event')
    }
    return { sleeper: Object.values(sleeper.heard), reader: Object.values(reader.heard), grown }
  } finally {
    await Promise.all([sleeper.end(), reader.end()])
    await server.stop()
  }
}

const all = numbers(0, EVENTS + TAIL)

function hasAll(listeners) {
  for (const { way, numbers, resets } of listeners) {
    assert.deepEqual(resets, [], way)
    assert.deepEqual(numbers, all, way)
  }
}

/** The client got one reset, and has missed nothing before and after. */
function hasOneReset(listeners) {
  for (const { way, numbers: heard, resets } of listeners) {
    assert.equal(resets.length, 1, `${way}: ${JSON.stringify(resets)}`)
    const [{ reason, after }] = resets
    assert.match(reason, /^(lagged|trimmed)$/, way)
    assert.deepEqual(heard.slice(0, after), numbers(0, after), way)
    assert.deepEqual(heard.slice(after), numbers(EVENTS, EVENTS + TAIL), way)
    assert.ok(after < EVENTS, way)
  }
}

describe('T7: a client that is stopped', function () {
  this.timeout(2 * PATIENCE + STOPPED)
  // They wait most of the time, so they run at the same time.
  const runs = {}
  before(() => {
    const closing = { PING_MS: '500', WRITE_TIMEOUT_MS: '1000' }
    // No ping comes in between: the server notices the client only by its reading.
    runs.kept = run({ RETENTION_COUNT: MANY, PING_MS: '600000' })
    runs.trimmed = run({ RETENTION_COUNT: FEW })
    runs.closedAndKept = run({ RETENTION_COUNT: MANY, ...closing })
    runs.closedAndTrimmed = run({ RETENTION_COUNT: FEW, ...closing })
    for (const one of Object.values(runs)) one.catch(() => {})
  })
  // No process is left behind, whichever test has failed.
  after(() => Promise.allSettled(Object.values(runs)))

  it('gets everything that is still kept, and no other client is delayed', async () => {
    const { sleeper, reader } = await runs.kept
    hasAll(sleeper)
    hasAll(reader)
  })

  it('gets one reset, costs bounded memory, and no other client is delayed', async () => {
    const { sleeper, reader, grown } = await runs.trimmed
    hasOneReset(sleeper)
    hasAll(reader)
    assert.ok(grown < MEGABYTES, `${grown.toFixed(1)} MiB more`)
  })

  it('gets everything that is still kept when its connections were closed meanwhile', async () => {
    const { sleeper, reader } = await runs.closedAndKept
    hasAll(sleeper)
    hasAll(reader)
    const back = sleeper.filter(({ readies }) => readies > 1).map(({ way }) => way)
    assert.deepEqual(back, ['socketio', 'websocket', 'sse'])
  })

  it('gets one reset when its connections were closed meanwhile', async () => {
    const { sleeper, reader, grown } = await runs.closedAndTrimmed
    hasOneReset(sleeper)
    hasAll(reader)
    assert.ok(grown < MEGABYTES, `${grown.toFixed(1)} MiB more`)
    const back = sleeper.filter(({ readies }) => readies > 1).map(({ way }) => way)
    assert.deepEqual(back, ['socketio', 'websocket', 'sse'])
  })
})
