// Time and chance, so that tests can control both.

/** A timer that can be cleared. */
export type Timer = unknown

/** Where time and chance come from; `systemClock` unless a test brings its own. */
export interface Clock {
  /** Milliseconds since some fixed moment. */
  now(): number
  setTimeout(run: () => void, ms: number): Timer
  clearTimeout(timer: Timer): void
  /** A number from 0 up to, but without, 1. */
  random(): number
}

export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms),
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
  random: () => Math.random()
}
