import type { Context, Next } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import { traceWait } from '../telemetry/waiting.ts'
import type { Env } from './context.ts'

/** The routes that read their body themselves, within a bound of their own. */
const ownBodies = new Set(['/traces/upload'])

/** Does the route of this request read its body itself? */
export const readsOwnBody = (c: Context<Env>): boolean => ownBodies.has(c.req.path)

const receiving = { bodies: 0 }
const bodiesMax = 1000

/**
 * Middleware: receives the form of a POST completely before the request enters the admission queue, so that a slow
 * client does not occupy a place there. A body that is not a form is a 415. An empty body passes with any content type,
 * because the load script of the original app sends one with a JSON content type.
 */
export const readForm = createMiddleware<Env>((c, next) =>
  c.req.method === 'POST' ? receiveForm(c, next) : next(),
)

async function receiveForm(c: Context<Env>, next: Next): Promise<void> {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  const length = c.req.header('Content-Length')
  const empty = c.req.header('Transfer-Encoding') === undefined && (length ?? '0') === '0'
  const isUrlencoded = type === 'application/x-www-form-urlencoded'
  if (!empty && !readsOwnBody(c)) {
    if (!isUrlencoded && type !== 'multipart/form-data') {
      const sentence = 'Send a form: application/x-www-form-urlencoded or multipart/form-data.'
      throw new Refusal(415, sentence)
    }
    const bytes = await traceWait('form.receive', receive(c))
    // Parsed here, because Hono wraps the bytes in a Response to parse them, which costs 200 us.
    if (isUrlencoded) c.req.bodyCache.formData = formOf(bytes)
  }
  await next()
}

function formOf(bytes: ArrayBuffer): FormData {
  const form = new FormData()
  for (const [name, value] of new URLSearchParams(Buffer.from(bytes).toString()))
    form.append(name, value)
  return form
}

async function receive(c: Context<Env>): Promise<ArrayBuffer> {
  if (receiving.bodies >= bodiesMax) {
    throw new Refusal(503, 'Too many forms are being sent at once. Try again in a moment.', {
      code: 'too_many_bodies',
      headers: { 'Retry-After': '2' },
    })
  }
  receiving.bodies += 1
  try {
    if (c.req.header('Transfer-Encoding') === undefined) {
      return await c.req.arrayBuffer() // Hono caches it for later parsing
    }
    const whole = await readBody(c, c.get('settings').MAX_BODY_BYTES, bodyTooLarge)
    return (c.req.bodyCache.arrayBuffer = whole.buffer)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(400, 'The form did not arrive completely. Send it again.', {
      code: 'body_cut',
    })
  } finally {
    receiving.bodies -= 1
  }
}

/** The error for a body that is larger than MAX_BODY_BYTES. */
export const bodyTooLarge = () => new Refusal(413, 'That is too large.', { code: 'body_too_large' })

/** Reads a body of unknown length. Throws `tooLarge` when it has more than `bytesMax`. */
export async function readBody(
  c: Context<Env>,
  bytesMax: number,
  tooLarge: () => Refusal,
): Promise<Uint8Array<ArrayBuffer>> {
  const pieces: Uint8Array[] = []
  let length = 0
  // Not Hono's body limit: its errors do not distinguish a client that disconnected from a fault of the server.
  for await (const piece of c.req.raw.body ?? []) {
    length += piece.length
    if (length > bytesMax) throw tooLarge()
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces))
}
