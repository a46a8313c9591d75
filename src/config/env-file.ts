// Reads a `.env` file. Node's own parser skips lines that it does not understand, so that a setting with a typing error
// would silently have no effect. This parser reads every line, or reports which line is wrong and why.
import { closeSync, lstatSync, openSync, readSync, statSync } from 'node:fs'

import { StartError } from './start-error.ts'

const bytesMax = 1_048_576
const problemsMax = 5
/** A longer line is not printed whole in an error. */
const printedMax = 40

/**
 * The variables of a `.env` file; an empty map when there is no such file. Throws a StartError that names each line
 * that cannot be parsed. `settings` are the names of Tracewren's settings.
 */
export function readEnvFile(path: string, settings: readonly string[]): Map<string, string> {
  const bytes = bytesOf(path)
  return bytes === undefined ? new Map() : parseEnv(textOf(bytes, path), { path, settings })
}

function bytesOf(path: string): Buffer | undefined {
  try {
    // lstat, because a link to a missing file must be reported, while a missing `.env` is allowed.
    if (!lstatSync(path, { throwIfNoEntry: false })) return undefined
    const kind = statSync(path)
    if (kind.isDirectory()) throw new StartError(`${path} is a folder, not a file.`)
    // Opening a pipe without a writer would block for ever. A character device passes: /dev/null means "no file".
    if (!kind.isFile() && !kind.isCharacterDevice()) throw new StartError(`${path} is not a file.`)
    return readAtMost(path, bytesMax)
  } catch (error) {
    if (error instanceof StartError) throw error
    const { code = '', message } = error as NodeJS.ErrnoException
    const reasons: Record<string, string> = {
      EACCES: 'this user may not read it',
      ENOENT: 'the link leads to a file that does not exist',
      ELOOP: 'the link leads back to itself',
    }
    throw new StartError(`${path} cannot be read: ${reasons[code] ?? message}.`)
  }
}

function readAtMost(path: string, limit: number): Buffer {
  const handle = openSync(path, 'r')
  try {
    const bytes = Buffer.alloc(limit + 1)
    let length = 0
    for (let got = -1; got !== 0 && length <= limit; length += got)
      got = readSync(handle, bytes, length, bytes.length - length, null)
    if (length > limit) throw new StartError(`${path} is larger than ${limit} bytes.`)
    return bytes.subarray(0, length)
  } finally {
    closeSync(handle)
  }
}

function textOf(bytes: Buffer, path: string): string {
  const start = bytes.toString('latin1', 0, 2)
  if (start === '\xff\xfe' || start === '\xfe\xff')
    throw new StartError(`${path} is UTF-16. Save it as UTF-8.`)
  const decode = (piece: Buffer) => new TextDecoder('utf-8', { fatal: true }).decode(piece)
  try {
    return decode(bytes) // removes the byte-order mark that Windows editors write
  } catch {
    let line = 1
    for (let from = 0, to = 0; to >= 0; from = to + 1, line++) {
      to = bytes.indexOf('\n', from)
      try {
        decode(bytes.subarray(from, to < 0 ? undefined : to))
      } catch {
        break
      }
    }
    throw new StartError(`${path} line ${line}: it is not UTF-8. Save the file as UTF-8.`)
  }
}

type Source = { path: string; settings: readonly string[] }
/** One entry: its variable (none in a blank line or a comment), how many lines it takes, or what is wrong with it. */
type Entry = { name?: string; value?: string; lines: number; problem?: string }

/** Parses the text of a `.env` file, in Node's grammar. When a name occurs twice, the last value counts. */
export function parseEnv(text: string, { path, settings }: Source): Map<string, string> {
  const lines = text.split(/\r\n|\n|\r/)
  const found = new Map<string, string>()
  const problems: string[] = []
  for (let at = 0; at < lines.length;) {
    const entry = entryAt(lines, at, settings)
    if (entry.problem !== undefined) problems.push(`${path} line ${at + 1}: ${entry.problem}`)
    else if (entry.name !== undefined) found.set(entry.name, entry.value ?? '')
    at += entry.lines
  }
  if (problems.length > 0) {
    const more = problems.length - problemsMax
    if (more > 0) problems.splice(problemsMax, more, `${path}: ${more} more lines are wrong.`)
    throw new StartError(problems.join('\n'))
  }
  return found
}

function entryAt(lines: string[], at: number, settings: readonly string[]): Entry {
  const line = lines[at]!.replace(/^[ \t]+|[ \t]+$/g, '')
  if (line === '' || line.startsWith('#')) return { lines: 1 }
  const wrong = (problem: string): Entry => ({ lines: 1, problem })
  const control = /[\0-\x08\x0b\x0c\x0e-\x1f\x7f]/.exec(line)
  if (control) {
    const code = control[0].charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')
    return wrong(`it has a control character (U+${code}). Save the file as plain text in UTF-8.`)
  }
  const parts = /^(?:export[ \t]+)?([A-Za-z_][\w.-]*)[ \t]*=(.*)$/.exec(line)
  if (!parts) return wrong(`"${printable(line, settings)}" is not NAME=value.`)
  const [, name, rest] = parts as unknown as [string, string, string]
  // Names of variables are case-sensitive on Linux: `demo` would have no effect.
  const meant = settings.find((one) => one !== name && one === name.toUpperCase())
  if (meant !== undefined) return wrong(`the setting is called ${meant}, in capital letters.`)
  if (/^[ \t]*["'`]/.test(rest)) return { name, ...quoted(rest.trimStart(), lines, at) }
  const comment = rest.indexOf('#')
  // Ambiguous: Node ends the value at the #, Docker Compose does not.
  if (comment >= 0 && !/[ \t]/.test(rest[comment - 1] ?? ''))
    return wrong('there is a # in the value. Quote the value, or put a space before a comment.')
  return { name, value: rest.slice(0, comment < 0 ? undefined : comment).trim(), lines: 1 }
}

/** Parses a value in quotes. It may continue on the next lines, as a certificate does. */
function quoted(first: string, lines: string[], at: number): Omit<Entry, 'name'> {
  const quote = first[0]!
  const pieces: string[] = []
  for (let piece: string | undefined = first.slice(1); ; piece = lines[at + pieces.length]) {
    const end = piece?.indexOf(quote) ?? -1
    const isNext =
      pieces.length > 0 && /^[ \t]*(?:export[ \t]+)?[A-Za-z_]\w*=[^=\s]/.test(piece ?? '')
    if (piece === undefined || isNext)
      return { lines: 1, problem: `the ${quote} before the value is not closed.` }
    if (end < 0) {
      pieces.push(piece)
      continue
    }
    if (!/^[ \t]*(#.*)?$/.test(piece.slice(end + 1)))
      return { lines: 1, problem: `there is text after the closing ${quote} of the value.` }
    const value = [...pieces, piece.slice(0, end)].join('\n')
    return {
      lines: pieces.length + 1,
      value: quote === '"' ? value.replaceAll('\\n', '\n') : value,
    }
  }
}

/** The part of a wrong line that an error may print: a short line of a setting that is not secret, else a name. */
function printable(line: string, settings: readonly string[]): string {
  const [, name = '', rest = ''] =
    /^(?:export[ \t]+)?([A-Z][A-Z0-9_]{0,39})(\W.*)?$/.exec(line) ?? []
  const isOurs = settings.includes(name) && !/TOKEN|URL/.test(name) && line.length <= printedMax
  const text = isOurs ? line : `${rest === '' ? line.slice(0, 4) : name}\u2026`
  return text.replace(/[^\x20-\x7e\u2026]/g, '?')
}
