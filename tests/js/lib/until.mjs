// Waits for a condition that no event announces.

/** Resolves when `check` returns something true; fails with what it is that does not hold after a while. */
export async function until(check, timeout = 10_000) {
  const end = Date.now() + timeout
  while (!(await check())) {
    if (Date.now() > end) throw new Error(`timed out waiting until ${check}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}
