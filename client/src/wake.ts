// Tells when a page has reason to look after its connection: the network is back, or somebody looks at the page again.

export interface Wake {
  /** The network is back, and may be another one. */
  online(): void
  /** The page is visible again; its timers may have slept. */
  visible(): void
}

/** Watches the page, if there is one; the returned function ends that. */
export function watchPage(wake: Wake): () => void {
  const { document } = globalThis
  if (typeof document === 'undefined' || typeof addEventListener !== 'function') return () => {}
  const online = () => wake.online()
  const visible = () => {
    if (document.visibilityState === 'visible') wake.visible()
  }
  addEventListener('online', online)
  document.addEventListener('visibilitychange', visible)
  return () => {
    removeEventListener('online', online)
    document.removeEventListener('visibilitychange', visible)
  }
}
