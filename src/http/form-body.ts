import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from '../base/refusal.ts'
import type { Env } from './context.ts'

const receiving = { bodies: 0 }
const bodiesAtOnce = 1000

/**
 * Bodies are forms: a JSON body is 415, but an empty one with a JSON content type (the original's script) passes. They
 * are here as a whole before any work begins: a slow client holds a connection, not the place of somebody else.
 */
export const readForm = createMiddleware<Env>(async (c, next) => {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  const length = c.req.header('Content-Length')
  const empty = c.req.header('Transfer-Encoding') === undefined && (length ?? '0') === '0'
  const isUrlencoded = type === 'application/x-www-form-urlencoded'
  if (c.req.method === 'POST' && !empty) {
    if (!isUrlencoded && type !== 'multipart/form-data') {
      const sentence = 'Send a form: application/x-www-form-urlencoded or multipart/form-data.'
      throw new Refusal(415, sentence)
    }
    const bytes = await receive(c)
    // Hono would wrap the bytes in a Response to parse them, 200 us of a login.
    if (isUrlencoded) c.req.bodyCache.formData = formOf(bytes)
  }
  await next()
})

function formOf(bytes: ArrayBuffer): FormData {
  const form = new FormData()
  for (const [name, value] of new URLSearchParams(Buffer.from(bytes).toString()))
    form.append(name, value)
  return form
}

async function receive(c: Context<Env>): Promise<ArrayBuffer> {
  if (receiving.bodies >= bodiesAtOnce) {
    throw new Refusal(503, 'Too many people send at once. Try again in a moment.', {
      code: 'too_many_bodies',
      headers: { 'Retry-After': '2' },
    })
  }
  receiving.bodies += 1
  try {
    if (c.req.header('Transfer-Encoding') === undefined) {
      return await c.req.arrayBuffer() // kept by Hono for whoever parses it
    }
    return (c.req.bodyCache.arrayBuffer = await counted(c))
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(400, 'The form did not arrive whole.', { code: 'body_cut' })
  } finally {
    receiving.bodies -= 1
  }
}

/** The answer to a body that is larger than MAX_BODY_BYTES. */
export const bodyTooLarge = () => new Refusal(413, 'That is too large.', { code: 'body_too_large' })

/** A body of unknown length, as long as it may be. */
async function counted(c: Context<Env>): Promise<ArrayBuffer> {
  const bytesMax = c.get('settings').MAX_BODY_BYTES
  const pieces: Uint8Array[] = []
  let length = 0
  // Hono's own limit reads it too, but tells a client that went away from a fault of ours no more than any other error.
  for await (const piece of c.req.raw.body ?? []) {
    length += piece.length
    if (length > bytesMax) throw bodyTooLarge()
    pieces.push(piece)
  }
  return new Uint8Array(Buffer.concat(pieces)).buffer
}
