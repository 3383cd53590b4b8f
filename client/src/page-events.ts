// Tells when a page has reason to check its connection: the network is back, or the page is visible again.

export interface PageEvents {
  /** The network is back, and may be another one. */
  online(): void
  /** The page is visible again; its timers may have slept. */
  visible(): void
}

/** Watches the page, if there is one; the returned function ends that. */
export function watchPage(events: PageEvents): () => void {
  const { document } = globalThis
  if (typeof document === 'undefined' || typeof addEventListener !== 'function') return () => {}
  const online = () => events.online()
  const visible = () => {
    if (document.visibilityState === 'visible') events.visible()
  }
  addEventListener('online', online)
  document.addEventListener('visibilitychange', visible)
  return () => {
    removeEventListener('online', online)
    document.removeEventListener('visibilitychange', visible)
  }
}
