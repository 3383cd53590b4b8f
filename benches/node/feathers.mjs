// FeathersJS 5, set up as its documentation shows: `node feathers.mjs koa|express`. Prints its URL.
import { feathers } from '@feathersjs/feathers'
import * as express from '@feathersjs/express'
import * as koa from '@feathersjs/koa'
import { memory } from '@feathersjs/memory'
import socketio from '@feathersjs/socketio'

const frameworks = {
  koa() {
    const app = koa.koa(feathers())
    app.use(koa.errorHandler())
    app.use(koa.bodyParser({ jsonLimit: '2mb' }))
    return app.configure(koa.rest())
  },
  express() {
    const app = express.default(feathers())
    app.use(express.json({ limit: '2mb' }))
    return app.configure(express.rest())
  }
}

const app = frameworks[process.argv[2]]()
app.configure(socketio({ transports: ['websocket'] }))
app.use('messages', memory({ multi: true, startId: 1, paginate: { default: 10, max: 50 } }))
app.on('connection', (connection) => app.channel('everyone').join(connection))

const messages = app.service('messages')
for (let number = 0; number < 1000; number++) {
  await messages.create({ text: `message number ${number} ${'x'.repeat(80)}`, user: 'u1', ts: number })
}
app.publish(() => app.channel('everyone'))
const server = await app.listen(0, '127.0.0.1')
if (!server.listening) await new Promise((resolve) => server.once('listening', resolve))
console.log(`http://127.0.0.1:${server.address().port}`)
