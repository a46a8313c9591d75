import { plainLatin } from './latin-letters.ts'

const handleMax = 20

/** Handles that would be taken for those who run the site. */
const reserved = new Set(
  'admin administrator help mod moderator operator root security staff support system webmaster'.split(
    ' ',
  ),
)

/** Does this handle belong to the account with the id in it? */
const isOfId = (handle: string): boolean => /^u\d+$/.test(handle)

/**
 * Why an account may not have this handle, even if nobody has it; undefined when it may. `own` is what this account may have
 * beyond others: its `u<id>`, and, as an operator, a reserved one.
 */
export function whyNoHandle(
  handle: string,
  own: { id?: number; operator?: boolean } = {},
): string | undefined {
  if (!/^[a-z0-9_]+$/.test(handle)) return 'A handle has the letters a to z, digits and _ only.'
  if (handle.length > handleMax) return `A handle has up to ${handleMax} characters.`
  if (!/[a-z0-9]/.test(handle)) return 'A handle needs a letter or a digit.'
  if (isOfId(handle) && handle !== `u${own.id}`)
    return 'A handle of u and a number belongs to the account with that number.'
  if (reserved.has(handle) && !own.operator) return 'This handle is for those who run this site.'
  return undefined
}

/** Derives a handle from a name: `Lucía Ortega` gives `lucia_ortega`. Undefined when the name has no Latin letter. */
export function handleOf(name: string): string | undefined {
  const plain = plainLatin(name)
    .replace(/[^a-z0-9]+/g, '_')
    .replace(/^_+|_+$/g, '')
    .slice(0, handleMax)
    .replace(/_+$/, '')
  if (!/[a-z]/.test(plain)) return undefined
  // Not `u<id>`: that is the handle of the user with this id whose name gives no handle.
  if (isOfId(plain)) return `${plain.slice(0, handleMax - 1)}_`
  return reserved.has(plain) ? `${plain}_` : plain
}

/** Appends a number to a handle, shortened to the maximum length. Never gives `u<id>`, the handle of that user. */
export function numbered(handle: string, number: number): string {
  const made = handle.slice(0, handleMax - String(number).length) + number
  return isOfId(made) ? `u_${made.slice(made.length < handleMax ? 1 : 2)}` : made
}
