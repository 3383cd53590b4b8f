// Ports on this machine, for programs that cannot choose one by themselves.
import net from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

const START_TIMEOUT = 10_000

/** A port on which no program listens now. */
export async function freePort() {
  const server = net.createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

/** A port on which no program listens now, and which no system gives away by itself meanwhile. */
export async function steadyPort() {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    const server = net.createServer()
    const isFree = await new Promise((resolve) => {
      server.on('error', () => resolve(false))
      server.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!isFree) continue
    await new Promise((resolve) => server.close(resolve))
    return port
  }
}

/** Tells whether a program listens on a port. */
export function answers(port) {
  return new Promise((resolve) => {
    const socket = net.connect(port, '127.0.0.1', () => resolve(true))
    socket.on('error', () => resolve(false))
    socket.on('connect', () => socket.destroy())
  })
}

/** Waits until a program listens on a port; `who` is for the error. */
export async function listens(port, who) {
  const end = Date.now() + START_TIMEOUT
  while (!(await answers(port))) {
    if (Date.now() > end) throw new Error(`${who} does not listen`)
    await delay(20)
  }
}
