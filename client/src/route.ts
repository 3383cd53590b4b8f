// Placeholders in paths: `users/:userId/messages`.

/** Fills in the placeholders, as the Feathers clients do. */
export function fillRoute(path: string, route: Record<string, string> = {}): string {
  return Object.entries(route).reduce((filled, [name, value]) => filled.replace(`:${name}`, () => value), path)
}
