// An app behind real Pushpins, with taps on both ways between them.
import { poll } from './poll.mjs'
import { reservePushpin, startPushpin } from './pushpin.mjs'
import { start } from './server.mjs'
import { startControl, startTap } from './tap.mjs'

/** Starts an app with so many proxies.
 *
 * Of each proxy, `control` is the tap on what the app publishes to it, and `origin` the one on what it asks the app. */
export async function startGrip(name = 'peer', { proxies: count = 1, env = {}, wait } = {}) {
  const places = []
  const controls = []
  for (let number = 0; number < count; number += 1) {
    places.push(await reservePushpin())
    controls.push(await startControl(places[number].controlUrl))
  }
  const urls = places.map((place, number) => place.gripUrl(controls[number].url))
  const settings = { ...env, GRIP_URL: urls.join(' ') }
  const server = await start(name, { env: settings })
  const proxies = []
  for (const [number, place] of places.entries()) {
    const origin = await startTap(server.url)
    // Proxies cannot hold Socket.IO: they pass it straight to the server.
    const [app, socketio] = [origin.url, server.url].map((url) => new URL(url).host)
    const routes = `*,path_beg=/socket.io/,no_grip ${socketio}\n* ${app},over_http\n`
    const pushpin = await startPushpin(app, { place, wait, routes })
    proxies.push(Object.assign(pushpin, { origin, tapped: controls[number] }))
  }
  const [proxy] = proxies
  const grip = {
    /** A test may put another one in its place. */
    server,
    proxies,
    env: settings,
    proxy,
    url: proxy.url,
    origin: proxy.origin,
    control: proxy.tapped,
    async close() {
      for (const proxy of proxies) await proxy.close()
      for (const { origin, tapped } of proxies) await Promise.all([origin.close(), tapped.close()])
      await grip.server.stop()
    }
  }
  return grip
}

/** Tells whether the app has answered so that the proxy holds the client, in this way. */
export const held = (mode) => ({ answer }) => answer['grip-hold'] === mode

/** Begins a long poll through a proxy, from now on or from a cursor, and waits until the app has it held. */
export async function heldPoll({ url, origin }, query) {
  const { cursor: since, connectionToken } = query?.since ? query : await poll(url)
  const isHeld = origin.next(held('response'), 'a hold')
  const answer = poll(url, { since, connectionToken, wait: '20', ...query })
  return { since, connectionToken, exchange: await isHeld, answer }
}
