import type { Context } from 'hono'
import { createMiddleware } from 'hono/factory'

import { Refusal } from './refusal.ts'
import type { Env } from './web.ts'

const receiving = { bodies: 0 }
const bodiesAtOnce = 1000

/**
 * Bodies are forms: a JSON body is 415, but an empty one with a JSON content type (the original's script) passes. They
 * are here as a whole before any work begins: a slow client holds a connection, not the place of somebody else.
 */
export const wholeForms = createMiddleware<Env>(async (c, next) => {
  const type = c.req.header('Content-Type')?.split(';')[0]?.trim().toLowerCase()
  const length = c.req.header('Content-Length')
  const empty = c.req.header('Transfer-Encoding') === undefined && (length ?? '0') === '0'
  const isForm = type === 'application/x-www-form-urlencoded' || type === 'multipart/form-data'
  if (c.req.method === 'POST' && !empty) {
    if (!isForm) {
      const sentence = 'Send a form: application/x-www-form-urlencoded or multipart/form-data.'
      throw new Refusal(415, sentence)
    }
    await receive(c)
  }
  await next()
})

async function receive(c: Context<Env>): Promise<void> {
  if (receiving.bodies >= bodiesAtOnce) {
    throw new Refusal(503, 'Too many people send at once. Try again in a moment.', {
      slug: 'too_many_bodies',
      headers: { 'Retry-After': '2' },
    })
  }
  receiving.bodies += 1
  try {
    await c.req.arrayBuffer() // kept by Hono for whoever parses it
  } catch {
    throw new Refusal(400, 'The form did not arrive whole.', { slug: 'body_cut' })
  } finally {
    receiving.bodies -= 1
  }
}
