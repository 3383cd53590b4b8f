// A real Pushpin in front of a server: the GRIP proxy that holds connections, and on which the app publishes events.
//
// The configuration is the one of the guide, docs/guide/grip.md.
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import http from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { answers, listens, steadyPort } from './ports.mjs'
import { until } from './until.mjs'

/** What signs the requests of a Pushpin, unless a test says otherwise. */
export const KEY = 'pushpin-and-the-app-share-this-secret'

/** What is asked for to find out whether it holds clients; the app is not asked. */
const READY = '/pushpin-ready'

/** Starts an app that has every client held. */
async function startHolding() {
  const server = http.createServer((request, response) => {
    response.writeHead(200, { 'Grip-Hold': 'stream', 'Grip-Channel': 'ready' }).end('ready\n')
  })
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server
}

const guide = readFileSync(new URL('../../../docs/guide/grip.md', import.meta.url), 'utf8')
const [, documented] = guide.match(/```ini\n([^]*?)```/)

/** Writes the configuration of the guide, with other ports and folders, and without the sockets that no test uses. */
function configuration({ port, control, key, iss, wait }) {
  const changes = {
    rundir: 'run',
    logdir: 'log',
    http_port: `127.0.0.1:${port}`,
    push_in_http_port: control,
    sig_iss: iss,
    sig_key: key,
    message_wait: wait,
    push_in_spec: 'ipc://{rundir}/{ipc_prefix}push',
    push_in_sub_specs: 'ipc://{rundir}/{ipc_prefix}push-sub',
    command_spec: 'ipc://{rundir}/{ipc_prefix}command'
  }
  return documented.replace(/^(\w+)=.*$/gm, (line, name) => (name in changes ? `${name}=${changes[name]}` : line))
}

/** Takes the two ports of a Pushpin that is started later: an app must know them first. */
export async function reservePushpin({ key = KEY, iss = 'pushpin' } = {}) {
  const [port, control] = [await steadyPort(), await steadyPort()]
  return {
    port,
    control,
    key,
    iss,
    url: `http://127.0.0.1:${port}`,
    controlUrl: `http://127.0.0.1:${control}`,
    /** What the app gets as GRIP_URL; `url` is for what stands before the control endpoint. */
    gripUrl(url = `http://127.0.0.1:${control}`) {
      return `${url}/?verify-iss=${encodeURIComponent(iss)}&verify-key=${encodeURIComponent(key)}`
    }
  }
}

/** Starts a Pushpin in front of a server, which is at a host and port, and waits until it listens. PUSHPIN names the
 *  program; `routes` are for a server that is more than that.
 *
 * `wait` is for how many milliseconds it hopes that a missing event comes late; 5000 is its own default. */
export async function startPushpin(target, { place, wait = 300, routes } = {}) {
  place ??= await reservePushpin()
  const holding = await startHolding()
  const directory = mkdtempSync(join(tmpdir(), 'feathers-pushpin-'))
  for (const folder of ['run', 'log']) mkdirSync(join(directory, folder))
  writeFileSync(join(directory, 'pushpin.conf'), configuration({ ...place, wait }))
  routes ??= `* ${target},over_http\n`
  writeFileSync(join(directory, 'routes'), `*,path_beg=${READY} 127.0.0.1:${holding.address().port}\n${routes}`)
  const output = []
  let running

  async function start() {
    const child = spawn(process.env.PUSHPIN ?? 'pushpin', ['--config=pushpin.conf', '--merge-output'], {
      cwd: directory,
      stdio: ['ignore', 'pipe', 'pipe']
    })
    for (const stream of [child.stdout, child.stderr]) {
      createInterface({ input: stream }).on('line', (line) => output.push(line))
    }
    const end = () => kill(family(child.pid))
    // Also when the tests break off.
    process.once('exit', end)
    const exit = new Promise((resolve) => child.on('exit', resolve)).finally(() => process.off('exit', end))
    running = { child, exit }
    const failed = new Promise((resolve, reject) => {
      child.on('error', reject)
      running.exit.then((code) => reject(new Error(`pushpin ended with ${code}\n${output.join('\n')}`)))
    })
    // Once it listens, its exit is no error.
    failed.catch(() => {})
    await Promise.race([ready(), failed])
  }

  /** Its parts find each other after they listen: it is ready once it holds a client. */
  async function ready() {
    await Promise.all([place.port, place.control].map((port) => listens(port, 'pushpin')))
    await until(async () => {
      const abort = AbortSignal.timeout(1_000)
      const response = await fetch(`${place.url}${READY}`, { signal: abort }).catch(() => undefined)
      await response?.body.cancel()
      return response?.status === 200
    })
  }

  /** Ends it with all its children; SIGKILL is for a proxy that dies. */
  async function stop(signal = 'SIGTERM') {
    const all = family(running.child.pid)
    if (signal === 'SIGTERM') {
      running.child.kill(signal)
      await running.exit
    }
    kill(all)
    await running.exit
    // Its children are not of this process, so their exits cannot be awaited.
    await until(async () => !(await answers(place.port)) && !(await answers(place.control)))
  }

  await start()
  return {
    ...place,
    output,
    start,
    stop,
    /** Publishes items past the app, and returns the answer. */
    publish: (items) => fetch(`${place.controlUrl}/publish/`, {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify({ items })
    }),
    async close() {
      await stop()
      holding.closeAllConnections()
      await new Promise((resolve) => holding.close(resolve))
      rmSync(directory, { recursive: true, force: true })
    }
  }
}

/** A process and its descendants, some of which are in process groups of their own. */
function family(pid) {
  const parent = (id) => {
    try {
      // The name before may hold anything, brackets too.
      return Number(readFileSync(`/proc/${id}/stat`, 'utf8').split(')').at(-1).trim().split(' ')[1])
    } catch {
      return undefined
    }
  }
  const all = readdirSync('/proc').map(Number).filter(Boolean)
  const found = [pid]
  for (const id of found) found.push(...all.filter((child) => parent(child) === id))
  return found
}

/** Kills processes, as far as there are any left. */
function kill(pids) {
  for (const pid of pids) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (error) {
      if (error.code !== 'ESRCH') throw error
    }
  }
}
