// Validates the input of routes: path, query string and form.
import type { Context, MiddlewareHandler } from 'hono'
import { validator } from 'hono/validator'
import * as v from 'valibot'

import { Refusal } from '../base/refusal.ts'
import { ownPath, type Env } from './context.ts'
import { declares } from './redaction.ts'
import { printable, type Redisplay } from './redisplay.ts'

/** Returns the row. Throws a 404 Refusal when it is undefined. */
export function found<T>(row: T | undefined): T {
  if (row === undefined) throw new Refusal(404, 'There is nothing here.')
  return row
}

/** `:id` of the path as a number. A number that is too large for an id is a 404. */
export const idParam = validator('param', (param) => {
  const id = Number(param['id'])
  if (!Number.isSafeInteger(id)) throw new Refusal(404, 'There is nothing here.')
  return { id }
})

/** The path to go to after signing in, from a parameter or a hidden field. Undefined when it is not on this site. */
export const nextPath = v.optional(
  v.pipe(
    v.string(),
    v.transform((path: string) => ownPath(path)),
  ),
)

/** Text input: one value, well-formed Unicode, no control characters except newline and tab. Gives NFC. */
export const lines = v.pipe(
  v.string('Send each field once, as text.'),
  v.check((value) => value.isWellFormed(), 'There is a broken character in the text.'),
  v.transform((value) => value.replace(/\r\n?/g, '\n').normalize('NFC')),
  // SQLite returns text only up to a NUL character: "alice\0x" would be read back as "alice".
  v.regex(
    /^[^\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f]*$/u,
    'There is a control character in the text.',
  ),
)

/** The same, trimmed. */
export const text = v.pipe(lines, v.trim())

declare module 'hono' {
  interface ContextVariableMap {
    /** The names of the declared fields that the form had. */
    formFields: string[] | undefined
  }
}

type Fields = Record<string, v.GenericSchema<unknown, unknown>>
type Parsed<T extends Fields> = v.InferOutput<v.ObjectSchema<T, undefined>>

/**
 * Validates the form in the body. A missing, repeated or wrongly typed field is a 400. A value that breaks a rule is a
 * 422, answered by `redisplay` when it is given.
 */
export const form = <T extends Fields>(fields: T, redisplay?: Redisplay) => {
  const schema = v.object(fields)
  return validator('form', (value, c: Context<Env>): Parsed<T> | Response | Promise<Response> => {
    // Names that the route declares, never those that a client makes up.
    const names = Object.keys(fields).filter((name) => Object.hasOwn(value, name))
    c.set('formFields', names)
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

/**
 * Validates the query string. The first value of a repeated parameter counts. A bad value is a 400. Spans and logs
 * record only the values of these parameters.
 */
export const query = <T extends Fields>(fields: T) => {
  const schema = v.object(fields)
  // Not Hono's `validator`, which makes three promises.
  const validated: MiddlewareHandler<Env, string, { out: { query: Parsed<T> } }> = (c, next) => {
    const parsed = v.safeParse(schema, c.req.query())
    if (!parsed.success) throw new Refusal(400, parsed.issues[0].message, { code: 'bad_query' })
    c.req.addValidatedData('query', parsed.output)
    return next()
  }
  return declares(Object.keys(fields), validated)
}

const isOptional = (schema: v.GenericSchema<unknown, unknown> | undefined) =>
  schema?.type === 'optional'

/** The first problem of each field, as a sentence. */
const problemsOf = (issues: v.BaseIssue<unknown>[]) =>
  Object.fromEntries(
    issues.map((issue) => [String(issue.path?.[0]?.key), issue.message] as const).toReversed(),
  )
