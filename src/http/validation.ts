// Validation at the door: what a path, a query string and a form may hold.
import type { Context } from 'hono'
import { validator } from 'hono/validator'
import * as v from 'valibot'

import { Refusal } from '../base/refusal.ts'
import { ownPath, type Env } from './context.ts'
import { declares } from './redaction.ts'
import { printable, type Redisplay } from './redisplay.ts'

/** The row, or a 404 in the words of the page. */
export function found<T>(row: T | undefined): T {
  if (row === undefined) throw new Refusal(404, 'There is nothing here.')
  return row
}

/** `:id` of the path as a number; more digits than an id can have is a 404. */
export const idParam = validator('param', (param) => {
  const id = Number(param['id'])
  if (!Number.isSafeInteger(id)) throw new Refusal(404, 'There is nothing here.')
  return { id }
})

/** Where to go after signing in, sent along as a parameter or a hidden field; anything else than a path of ours is none. */
export const nextPath = v.optional(
  v.pipe(
    v.string(),
    v.transform((path: string) => ownPath(path)),
  ),
)

/** Text from outside: one value, no control characters but newline and tab, well-formed, NFC. */
export const lines = v.pipe(
  v.string('Send each field once, as text.'),
  v.check((value) => value.isWellFormed(), 'There is a broken character in the text.'),
  v.transform((value) => value.replace(/\r\n?/g, '\n').normalize('NFC')),
  // SQLite gives text back only up to a NUL, so that "alice\0x" would read as "alice".
  v.regex(
    /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/u,
    'There is a control character in the text.',
  ),
)

/** The same, trimmed. */
export const text = v.pipe(lines, v.trim())

type Fields = Record<string, v.GenericSchema<unknown, unknown>>
type Parsed<T extends Fields> = v.InferOutput<v.ObjectSchema<T, undefined>>

/**
 * Validates the form in the body: a missing, repeated or wrongly typed field is 400. A broken rule is 422, answered
 * by `redisplay` where there is a page for it.
 */
export const form = <T extends Fields>(fields: T, redisplay?: Redisplay) => {
  const schema = v.object(fields)
  return validator('form', (value, c: Context<Env>): Parsed<T> | Response | Promise<Response> => {
    for (const name of Object.keys(fields)) {
      const given = value[name]
      if (typeof given === 'string' || (given === undefined && isOptional(fields[name]))) continue
      throw new Refusal(400, `Send the field "${name}" once, as text.`, { code: 'bad_field' })
    }
    const given = value as Record<string, string>
    const parsed = v.safeParse(schema, given)
    if (parsed.success) return parsed.output
    const problems = problemsOf(parsed.issues)
    if (redisplay) return redisplay(c, printable(given), problems, 422)
    throw new Refusal(422, Object.values(problems)[0]!, { code: 'invalid_input' })
  })
}

/** Validates the query string; of a repeated parameter the first counts. Values of other parameters are not recorded. */
export const query = <T extends Fields>(fields: T) => {
  const schema = v.object(fields)
  const validated = validator('query', (value): Parsed<T> => {
    const firsts = Object.entries(value).map(([name, given]) => [name, [given].flat()[0]])
    const parsed = v.safeParse(schema, Object.fromEntries(firsts))
    if (parsed.success) return parsed.output
    throw new Refusal(400, parsed.issues[0].message, { code: 'bad_query' })
  })
  return declares(Object.keys(fields), validated)
}

const isOptional = (schema: v.GenericSchema<unknown, unknown> | undefined) =>
  schema?.type === 'optional'

/** The first sentence for each field. */
const problemsOf = (issues: v.BaseIssue<unknown>[]) =>
  Object.fromEntries(
    issues.map((issue) => [String(issue.path?.[0]?.key), issue.message] as const).toReversed(),
  )
