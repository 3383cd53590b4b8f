// What the script for pages has: Feathers and this transport.

export { errors } from '@feathersjs/errors'
export { feathers } from '@feathersjs/feathers'
export { Disconnected, realtime } from './index.js'
