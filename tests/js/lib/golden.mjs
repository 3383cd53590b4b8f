// Recorded answers of the original servers, and the differences that are accepted, each with its reason.
import { readFileSync } from 'node:fs'

const read = (name) => JSON.parse(readFileSync(new URL(`../../golden/${name}.json`, import.meta.url), 'utf8'))

export const rest = read('rest')
export const socketio = read('socketio')
const differences = read('differences')

/** Headers that say nothing about the answer, so that they are not compared. */
export const ignoredHeaders = new Set(Object.keys(differences.ignoredHeaders))

/** Accepted answers by the name of the case. */
export const accepted = { rest: differences.rest, socketio: differences.socketio }

/** Names in the list of differences that no case has: left over, so that they must go. */
export function leftover(kind, cases) {
  const names = new Set(cases.map((one) => one.name))
  return Object.keys(accepted[kind]).filter((name) => !names.has(name))
}

/** One JSON text without what differs from run to run; other text stays as it is. */
export function normal(text) {
  let value
  try {
    value = JSON.parse(text)
  } catch {
    return text
  }
  // No REST call has a connection, so the recordings leave it out.
  const cleaned = clean(value)
  delete cleaned?.params?.hasConnection
  return JSON.stringify(cleaned)
}

/** A value without the request's headers, which the echo services show and which differ from client to client. */
export function clean(value) {
  if (Array.isArray(value)) return value.map(clean)
  if (!value?.params) return value
  const { headers, ...params } = value.params
  return { ...value, params }
}
