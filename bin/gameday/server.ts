// The page of a game, for this machine only.
import { setTimeout as pause } from 'node:timers/promises'

import { serve, type HttpBindings, type ServerType } from '@hono/node-server'
import { Hono, type Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { createMiddleware } from 'hono/factory'

import { freePort } from '../free-port.ts'
import type { Game } from './game.ts'
import { gameJson } from './json.ts'
import { GamePage, style } from './page.tsx'

type Env = { Bindings: HttpBindings }

const bodyBytesMax = 4096
const patienceMs = 8000
const localHost = /^(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?$/i
const forwarding = /^(forwarded|via|x-forwarded(-.*)?|x-real-ip)$/i

/** Nobody but somebody at this machine, no proxy, no name that was made to lead here, no form of another site. */
const localOnly = createMiddleware<Env>(async (c, next) => {
  const peer = c.env.incoming.socket.remoteAddress ?? ''
  const host = c.req.header('Host') ?? ''
  const isLocal =
    /^(127\.|::1$|::ffff:127\.)/.test(peer) &&
    localHost.test(host) &&
    !Object.keys(c.req.header()).some((name) => forwarding.test(name))
  const origin = c.req.header('Origin')
  const isOwn = origin === undefined || origin === `http://${host}`
  if (!isLocal || !isOwn || c.req.header('Sec-Fetch-Site') === 'cross-site')
    return c.text('This page is for people at this machine only.\n', 403)
  c.header(
    'Content-Security-Policy',
    "default-src 'none'; style-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
  )
  c.header('X-Content-Type-Options', 'nosniff')
  // With no-referrer, browsers would send "Origin: null" with our own forms.
  c.header('Referrer-Policy', 'same-origin')
  c.header('Cache-Control', 'no-store')
  return next()
})

const isProgram = (c: Context<Env>) => !(c.req.header('Accept') ?? '').includes('text/html')

const show = (c: Context<Env>, game: Game, problem?: string) => {
  const status = problem === undefined ? 200 : 422
  return isProgram(c)
    ? c.json({ ...gameJson(game), ...(problem !== undefined && { error: problem }) }, status)
    : c.html(`<!doctype html>${String(GamePage({ game, problem }))}`, status)
}

/** After a POST, a browser loads the page anew; what was not taken stays with its sentence. */
async function answered(c: Context<Env>, game: Game, problem: string | undefined) {
  if (problem !== undefined || isProgram(c)) return show(c, game, problem)
  // Mostly the evidence is there at once.
  for (const giveUp = Date.now() + patienceMs; game.state === 'closing' && Date.now() < giveUp;)
    await pause(50)
  return c.redirect('/', 303)
}

const gamePages = (game: Game) =>
  new Hono<Env>()
    .use(localOnly)
    .use(bodyLimit({ maxSize: bodyBytesMax, onError: (c) => c.text('That is too long.\n', 413) }))
    .get('/', (c) => show(c, game))
    .get('/style.css', (c) => c.body(style, 200, { 'Content-Type': 'text/css; charset=utf-8' }))
    .post('/answer', async (c) => {
      const { question, answer } = await fieldsOf(c)
      return answered(c, game, game.answer(question ?? '', answer ?? ''))
    })
    .post('/hint', (c) => answered(c, game, game.hint()))
    .post('/stop', (c) => {
      game.stop()
      return answered(c, game, undefined)
    })

/** The fields of a form that are texts. */
async function fieldsOf(c: Context<Env>): Promise<Record<string, string>> {
  const body = await c.req.parseBody().catch(() => ({}))
  return Object.fromEntries(
    Object.entries(body).flatMap(([name, value]) =>
      typeof value === 'string' ? [[name, value]] : [],
    ),
  )
}

export type GameServer = { url: string; close: () => Promise<void> }

/** Serves the page of a game on a free port. */
export async function serveGame(game: Game): Promise<GameServer> {
  const port = await freePort()
  const server = await new Promise<ServerType>((resolve, reject) => {
    const started: ServerType = serve(
      { fetch: gamePages(game).fetch, hostname: '127.0.0.1', port },
      () => resolve(started),
    )
    started.once('error', reject)
  })
  return {
    url: `http://127.0.0.1:${port}`,
    close: () =>
      new Promise((closed) => {
        server.close(() => closed())
        if ('closeAllConnections' in server) server.closeAllConnections()
      }),
  }
}
