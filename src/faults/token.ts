// The token that lets a program on this machine switch faults: a program that can read the data folder may.
import { randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'

const token = randomBytes(32).toString('base64url')

/** Is this the value of an `Authorization` header with our token? */
export function isOurToken(header: string | undefined): boolean {
  const given = Buffer.from(/^Bearer (\S+)$/i.exec(header ?? '')?.[1] ?? '')
  const own = Buffer.from(token)
  return given.length === own.length && timingSafeEqual(given, own)
}

/** Writes the token where only this user can read it; returns the function that removes the file. */
export function writeToken(file: string): () => void {
  const fresh = `${file}.${process.pid}`
  mkdirSync(dirname(file), { recursive: true })
  rmSync(fresh, { force: true })
  // A new file and a rename: an older one might be readable for others, or open.
  writeFileSync(fresh, `${token}\n`, { mode: 0o600, flag: 'wx' })
  renameSync(fresh, file)
  return () => rmSync(file, { force: true })
}
