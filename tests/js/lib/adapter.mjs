// Runs the official adapter suite against a service on the other side of a connection.
//
// The suite was written for services in the same process: some tests assign `service.options`, others pass
// `params.paginate` or `params.adapter`. None of that crosses the wire. `overTheWire` therefore stands in front of the
// client's service and sends what is in effect as one JSON string in the query, under `$adapter`, which a hook of the
// peer turns back into options.
import suite from '@feathersjs/adapter-tests'
import client from '@feathersjs/client'

/** The tests that say something about a server; the 14 others only look at the client's own object. */
const NAMES = [
  '.get', '.get + $select', '.get + id + query', '.get + NotFound', '.get + NotFound (integer)', '.get + id + query id',
  '.find',
  '.remove', '.remove + $select', '.remove + id + query', '.remove + NotFound', '.remove + NotFound (integer)',
  '.remove + multi', '.remove + multi no pagination', '.remove + id + query id',
  '.update', '.update + $select', '.update + id + query', '.update + NotFound', '.update + NotFound (integer)',
  '.update + query + NotFound', '.update + id + query id',
  '.patch', '.patch + $select', '.patch + id + query', '.patch multiple', '.patch multiple no pagination',
  '.patch multi query same', '.patch multi query changed', '.patch + NotFound', '.patch + NotFound (integer)',
  '.patch + query + NotFound', '.patch + id + query id',
  '.create', '.create ignores query', '.create + $select', '.create multi',
  '.find + equal', '.find + equal multiple', '.find + $sort', '.find + $sort + string', '.find + $limit',
  '.find + $limit 0', '.find + $skip', '.find + $select', '.find + $or', '.find + $in', '.find + $nin', '.find + $lt',
  '.find + $lte', '.find + $gt', '.find + $gte', '.find + $ne', '.find + $gt + $lt + $sort',
  '.find + $or nested + $sort', '.find + $and', '.find + $and + $or',
  'params.adapter + paginate', 'params.adapter + multi',
  '.find + paginate', '.find + paginate + query', '.find + paginate + $limit + $skip', '.find + paginate + $limit 0',
  '.find + paginate + params'
]

/** How many arguments come before the params. */
const ARGUMENTS = { find: 0, get: 1, create: 1, update: 2, patch: 2, remove: 1 }

function overTheWire(remote, id) {
  const options = { id, multi: false, paginate: false }
  const service = Object.assign(Object.create(remote), { id, options, events: ['testing'] })
  for (const [method, count] of Object.entries(ARGUMENTS)) {
    service[method] = (...args) => {
      const { paginate = options.paginate, adapter, query, ...params } = args[count] ?? {}
      const inEffect = { multi: options.multi, paginate, ...adapter }
      const plain = inEffect.multi === false && inEffect.paginate === false
      const control = plain ? {} : { $adapter: JSON.stringify(inEffect) }
      const head = Array.from({ length: count }, (_, index) => args[index])
      return remote[method](...head, { ...params, query: { ...query, ...control } })
    }
  }
  return service
}

/** Declares the 65 tests for a service; `connect` returns a connected client app, `disconnect` ends it. */
export function adapterSuite(title, path, id, connect, disconnect) {
  describe(title, () => {
    let remote, service
    before(async () => {
      remote = (await connect()).service(path)
      service = overTheWire(remote, id)
    })
    after(() => disconnect?.())
    // A failed test must not spoil the next one, so that each starts with default options and without records.
    beforeEach(async () => {
      Object.assign(service.options, { multi: false, paginate: false })
      for (const item of await remote.find({ query: {} })) await remote.remove(item[id])
    })

    // The suite skips what is not in the list, and prints the list of those; neither is news here.
    const { skip } = it
    const log = console.log
    it.skip = () => {}
    before(() => { console.log = () => {} })
    after(() => { console.log = log })
    suite.adapterTests(NAMES)({ service: () => service }, client.errors, path, id)
    it.skip = skip
  })
}
