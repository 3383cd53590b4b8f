// Starts one of the workspace's servers as a child process, for one test file.
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'

const START_LINE = /listening on http:\/\/[^:]+:(\d+)/
const START_TIMEOUT = 20_000

/** Starts a server, `peer`, `todo`, `ticker` or `chat`, and waits until it listens.
 *
 * PEER_BIN and so on name the programs. The child lives in a directory of its own. PEER_URL and so on instead
 * names a server that runs already; such a server cannot be stopped from here. */
export async function start(name, { port = 0, directory = mkdtempSync(join(tmpdir(), 'feathers-test-')), env = {} } = {}) {
  const running = process.env[`${name.toUpperCase()}_URL`]
  if (running) return { url: running, port: Number(new URL(running).port), stop: async () => {}, foreign: true }
  const binary = process.env[`${name.toUpperCase()}_BIN`]
  if (!binary) throw new Error(`set ${name.toUpperCase()}_BIN to the server's binary; \`cargo xtask test\` does`)

  const child = spawn(binary, [], {
    cwd: directory,
    env: { ...process.env, HOST: '127.0.0.1', PORT: String(port), DATABASE_URL: 'sqlite:test.db', ...env },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const output = []
  const exit = new Promise((resolve) => child.on('exit', (code, signal) => resolve({ code, signal })))
  createInterface({ input: child.stderr }).on('line', (line) => output.push(line))
  const bound = await new Promise((resolve, reject) => {
    const fail = (why) => reject(new Error(`${binary} ${why}\n${output.join('\n')}`))
    const timer = setTimeout(() => fail('does not listen'), START_TIMEOUT)
    createInterface({ input: child.stdout }).on('line', (line) => {
      output.push(line)
      const match = line.match(START_LINE)
      if (match) resolve((clearTimeout(timer), Number(match[1])))
    })
    child.on('error', (error) => fail(error.message))
    exit.then(({ code, signal }) => fail(`ended with ${code ?? signal}`))
  })
  return {
    url: `http://127.0.0.1:${bound}`,
    port: bound,
    pid: child.pid,
    directory,
    output,
    /** Ends the child and says how it ended; `keep` leaves its directory for a later start. */
    async stop({ signal = 'SIGTERM', keep = false } = {}) {
      child.kill(signal)
      const result = await exit
      if (!keep) rmSync(directory, { recursive: true, force: true })
      return result
    }
  }
}

/** Resolves with the first argument of the first call of the callback that `subscribe` gets, or fails after a while. */
export function once(subscribe, what, timeout = 10_000) {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(`timed out waiting for ${what}`)), timeout)
    subscribe((value) => resolve((clearTimeout(timer), value)))
  })
}
