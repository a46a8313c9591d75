import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { gzipSync } from 'node:zlib'

import type { Context } from 'hono'

import { minifiedFolder, staticFolder } from '../paths.ts'
import type { Env } from './context.ts'
import { found } from './validation.ts'

const types: Record<string, string> = {
  css: 'text/css; charset=utf-8',
  ico: 'image/x-icon',
  js: 'text/javascript; charset=utf-8',
  png: 'image/png',
  svg: 'image/svg+xml',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
}

type Asset = { body: Buffer; gzip: Buffer | undefined; type: string }

/**
 * Maps `app.css` to `/static/app.1f3a9c0e.css`. The address contains a hash of the content, so that clients can cache
 * it for ever: new content gets a new address.
 */
const addresses = new Map<string, string>()
const assets = new Map<string, Asset>()

for (const file of readdirSync(staticFolder)) {
  const smaller = minifiedFolder + file
  const body = readFileSync(existsSync(smaller) ? smaller : staticFolder + file)
  const ending = file.slice(file.lastIndexOf('.') + 1)
  const hash = createHash('sha256').update(body).digest('hex').slice(0, 8)
  const address = `/static/${file.slice(0, -ending.length)}${hash}.${ending}`
  addresses.set(file, address)
  const kept = { body, gzip: undefined, type: types[ending] ?? 'application/octet-stream' }
  assets.set(address, kept)
  assets.set(`/static/${file}`, kept)
}

/** The address of a file in static/, with the hash of its content. Throws an Error when there is no such file. */
export function asset(file: string): string {
  const address = addresses.get(file)
  if (!address) throw new Error(`static/${file} is missing`)
  return address
}

/** What a JSON file in static/ says, by its address. */
export const jsonAsset = (address: string): Record<string, unknown> =>
  JSON.parse(assets.get(address)!.body.toString()) as Record<string, unknown>

/** All files of static/ under their hashed names, for a proxy that serves them instead of us. */
export const hashedAssets = (): { name: string; body: Buffer; gzip: Buffer }[] =>
  [...addresses.values()].map((address) => {
    const { body } = assets.get(address)!
    return { name: address.slice('/static/'.length), body, gzip: gzipSync(body, { level: 9 }) }
  })

/** Serves static/ from memory, when nginx does not. A hashed address may be cached for a year, a plain one an hour. */
export function serveAsset(c: Context<Env>): Response {
  const one = found(assets.get(c.req.path))
  const hashed = [...addresses.values()].includes(c.req.path)
  const headers = {
    'Content-Type': one.type,
    'Cache-Control': hashed ? 'public, max-age=31536000, immutable' : 'public, max-age=3600',
    Vary: 'Accept-Encoding',
  }
  const gzips =
    c.req.header('Accept-Encoding')?.includes('gzip') && !one.type.startsWith('image/png')
  if (!gzips) return c.body(new Uint8Array(one.body), 200, headers)
  one.gzip ??= gzipSync(one.body, { level: 9 })
  return c.body(new Uint8Array(one.gzip), 200, { ...headers, 'Content-Encoding': 'gzip' })
}
