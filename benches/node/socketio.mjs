// socket.io 4 without a framework: what is posted goes to everybody. Prints its URL.
import { createServer } from 'node:http'
import { Server } from 'socket.io'

const messages = new Map()
let next = 1

function publish(data) {
  const message = { id: next++, ...data }
  messages.set(message.id, message)
  io.emit('messages created', message)
}

const server = createServer((request, response) => {
  const parts = []
  request.on('data', (part) => parts.push(part))
  request.on('end', () => {
    const sent = JSON.parse(Buffer.concat(parts))
    for (const message of [sent].flat()) publish(message)
    response.writeHead(201, { 'Content-Length': 0 }).end()
  })
})
const io = new Server(server, { transports: ['websocket'] })
server.listen(0, '127.0.0.1', () => console.log(`http://127.0.0.1:${server.address().port}`))
