// Tells the official authentication client that its login is no longer valid, where an app has that client.
//
// With a socket in `app.io` it would log in again after each `disconnect`. There is none here, for three reasons: a new
// connection carries the login by itself, and before any event that was missed; those logins would begin while there is
// no connection, and one that fails for that makes the client forget that it is logged in; and their rejections are not
// caught, which ends a process of Node. What the client cannot know is that the server no longer takes the login.

import type { Application } from '@feathersjs/feathers'

interface AuthenticationClient {
  authenticated: boolean
  reAuthenticate(force: boolean): Promise<unknown>
}

/** Makes the client try the token of its storage, which may be a newer one; it forgets a token that is refused too.
 *
 * Resolves when the client knows where it stands, to whether it is logged in again. */
export async function logInAgain(app: Application | undefined): Promise<boolean> {
  const { authentication: client } = (app ?? {}) as { authentication?: Partial<AuthenticationClient> }
  if (client?.authenticated !== true || !client.reAuthenticate) return false
  try {
    await client.reAuthenticate(true)
    return true
  } catch {
    return false
  }
}
