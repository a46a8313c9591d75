import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { createServer } from 'node:net'

/** The ports that were given here before: a program that is to listen on one may not have begun. */
const given = new Set<number>()

/**
 * Takes a port for this process, so that no other process is given it here meanwhile: by a name in the abstract namespace of
 * Linux, which ends with the process. False if another has it.
 */
async function isOurs(port: number): Promise<boolean> {
  const name = createServer().unref()
  return once(name.listen(`\0tracewren-port-${port}`), 'listening').then(
    () => true,
    ({ code }: NodeJS.ErrnoException) => code !== 'EADDRINUSE',
  )
}

/**
 * A TCP port of 127.0.0.1 that nobody listens on. Below those that the system gives to connections (from 32768 on Linux):
 * one of these would be taken by a connection before the program listens. Throws when it finds none in 100 tries.
 */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < 100; tries++) {
    const port = randomInt(10_000, 32_768)
    if (given.has(port) || !(await isOurs(port))) continue
    const server = createServer()
    const listening = once(server.listen(port, '127.0.0.1'), 'listening')
    const isFree = await listening.then(
      () => true,
      () => false,
    )
    if (!isFree) continue
    await new Promise((closed) => server.close(closed))
    given.add(port)
    return port
  }
  throw new Error('No free port was found.')
}
