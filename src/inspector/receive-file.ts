// Receives the file of POST /traces/upload. The body is counted while it arrives: nothing beyond its bound is stored.
import type { Context } from 'hono'

import { Refusal } from '../base/refusal.ts'
import type { Env } from '../http/context.ts'
import { readBody } from '../http/form-body.ts'
import { uploadBounds } from '../trace-store/uploads.ts'

/** What a form adds to the bytes of its file. */
const formBytes = 16_384
const nameMax = 100

const receiving = { files: 0 }

const most = `That is too large: a file has at most ${uploadBounds.bytes / 1024 / 1024} MB.`
const tooLarge = () => new Refusal(413, most, { code: 'body_too_large' })

const noFile = () =>
  new Refusal(400, 'Send the field "file" once: a file of OTLP JSON.', { code: 'bad_field' })

type ReceivedFile = { name: string; text: string }

/** The file in the body: a field `file` of a form, or the body itself when it is JSON. */
export async function receiveFile(c: Context<Env>): Promise<ReceivedFile> {
  if (receiving.files >= uploadBounds.atOnce) {
    throw new Refusal(503, 'Other files are being received. Try again in a moment.', {
      code: 'too_many_uploads',
      headers: { 'Retry-After': '5' },
    })
  }
  receiving.files += 1
  try {
    const type = c.req.header('Content-Type') ?? ''
    const bytes = await counted(c)
    if (/^application\/json\b/i.test(type)) return { name: 'JSON', text: textOf(bytes) }
    return await fileOf(bytes, type)
  } finally {
    receiving.files -= 1
  }
}

async function counted(c: Context<Env>): Promise<Uint8Array<ArrayBuffer>> {
  const bytesMax = uploadBounds.bytes + formBytes
  if (Number(c.req.header('Content-Length') ?? 0) > bytesMax) throw tooLarge()
  try {
    return await readBody(c, bytesMax, tooLarge)
  } catch (error) {
    if (error instanceof Refusal) throw error
    throw new Refusal(400, 'The file did not arrive completely. Send it again.', {
      code: 'body_cut',
    })
  }
}

async function fileOf(bytes: Uint8Array<ArrayBuffer>, type: string): Promise<ReceivedFile> {
  const isForm = /^(multipart\/form-data|application\/x-www-form-urlencoded)\b/i.test(type)
  if (!isForm && bytes.length > 0)
    throw new Refusal(415, 'Send a form with a file, or application/json.')
  const form = await new Response(bytes, { headers: { 'Content-Type': type } })
    .formData()
    .catch(() => undefined)
  const files = form?.getAll('file') ?? []
  const file = files[0]
  if (file === undefined || files.length > 1) throw noFile()
  if (typeof file === 'string') {
    if (file.length > uploadBounds.bytes) throw tooLarge()
    return { name: 'text', text: file }
  }
  // A browser sends an empty file without a name when none was chosen.
  if (file.size === 0 && file.name === '') throw noFile()
  if (file.size > uploadBounds.bytes) throw tooLarge()
  return { name: plainName(file.name), text: textOf(new Uint8Array(await file.arrayBuffer())) }
}

function textOf(bytes: Uint8Array): string {
  if (bytes.length > uploadBounds.bytes) throw tooLarge()
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new Refusal(422, 'This file is not JSON: it is not UTF-8.', { code: 'unreadable_traces' })
  }
}

/** The name without what cannot be seen, or would turn the direction of writing. */
const plainName = (name: string) =>
  name
    .replaceAll(/\p{C}+/gu, '')
    .slice(0, nameMax)
    .trim() || 'a file without a name'
