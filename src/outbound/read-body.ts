// Reads the body of an answer within bounds, and its text in the right charset.
import type { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createBrotliDecompress, createGunzip, createInflate } from 'node:zlib'

import { Unfit } from './unfit.ts'

/** The most bytes of a page, decompressed. A longer page has no preview. */
export const bytesMax = 512 * 1024

const decoders = {
  gzip: createGunzip,
  'x-gzip': createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
}
const isKnown = (encoding: string): encoding is keyof typeof decoders =>
  Object.hasOwn(decoders, encoding)

/** All bytes of a body. Throws an Unfit as soon as there are too many, also where few bytes unpack to many. */
export async function readBody(body: Readable, encoding: string): Promise<Buffer> {
  const pieces: Buffer[] = []
  let size = 0
  const collect = async (source: AsyncIterable<Buffer>) => {
    for await (const piece of source) {
      size += piece.length
      if (size > bytesMax) throw new Unfit('too_large')
      pieces.push(piece)
    }
  }
  const name = encoding.trim().toLowerCase()
  try {
    if (name === '' || name === 'identity') await pipeline(body, collect)
    else if (isKnown(name)) await pipeline(body, decoders[name](), collect)
    else throw new Unfit('encoding')
  } catch (error) {
    // The streams that are destroyed then may be heard first.
    throw size > bytesMax ? new Unfit('too_large') : error
  }
  return Buffer.concat(pieces)
}

const sniffed = 1024

/**
 * The text of a page: in the charset of its header, of its byte order mark, or of a `<meta>` at its beginning; else it
 * must be UTF-8. Throws an Unfit for a charset that nobody knows.
 */
export function decodePage(bytes: Buffer, contentType: string): string {
  const declared = markOf(bytes) ?? charsetIn(contentType) ?? metaCharset(bytes)
  try {
    return new TextDecoder(declared ?? 'utf-8', { fatal: declared === undefined }).decode(bytes)
  } catch {
    throw new Unfit('charset')
  }
}

function markOf(bytes: Buffer): string | undefined {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) return 'utf-8'
  if (bytes[0] === 0xfe && bytes[1] === 0xff) return 'utf-16be'
  return bytes[0] === 0xff && bytes[1] === 0xfe ? 'utf-16le' : undefined
}

const charsetIn = (text: string): string | undefined =>
  /;\s*charset\s*=\s*["']?([^\s"';>]+)/i.exec(text)?.[1]

/** A page that can be read so far is not in UTF-16, whatever it says. */
function metaCharset(bytes: Buffer): string | undefined {
  const start = bytes.toString('latin1', 0, sniffed)
  const found = /<meta\s[^>]*?charset\s*=\s*["']?\s*([^\s"';/>]+)/i.exec(start)?.[1]
  return found !== undefined && /^utf-?16/i.test(found) ? 'utf-8' : found
}
