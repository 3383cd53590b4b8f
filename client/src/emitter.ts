// Listeners by name, for the handle. Services have the emitter that Feathers gives them.

type Listener = (...args: never[]) => void

/** Calls a listener; an error that it throws must not stop a stream of events. */
export function guarded(run: () => void): void {
  try {
    run()
  } catch (error) {
    setTimeout(() => {
      throw error
    })
  }
}

/** `Events` maps the names to the listeners' types. */
export class Emitter<Events extends { [name in keyof Events]: Listener }> {
  readonly #listeners = new Map<keyof Events, Set<Listener>>()

  /** Calls the listener at every such event. */
  on<Name extends keyof Events>(name: Name, listener: Events[Name]): this {
    let listeners = this.#listeners.get(name)
    if (!listeners) this.#listeners.set(name, (listeners = new Set()))
    listeners.add(listener)
    return this
  }

  /** Calls the listener at the next such event only. */
  once<Name extends keyof Events>(name: Name, listener: Events[Name]): this {
    const first = ((...args: never[]) => {
      this.off(name, first)
      listener(...args)
    }) as Events[Name]
    return this.on(name, first)
  }

  /** Takes a listener away, or all of this name. */
  off<Name extends keyof Events>(name: Name, listener?: Events[Name]): this {
    if (listener) this.#listeners.get(name)?.delete(listener)
    else this.#listeners.delete(name)
    return this
  }

  protected emit<Name extends keyof Events>(name: Name, ...args: Parameters<Events[Name]>): void {
    for (const listener of [...(this.#listeners.get(name) ?? [])]) guarded(() => listener(...args))
  }
}
