// The values in an OTLP JSON file. The author of the file may have meant harm: each value is checked, and a wrong one
// is refused with a sentence that says where it is.

/** The file is not what it must be. `message` is a sentence for the person who chose it. */
export class UnreadableTraces extends Error {}

export const valueBounds = {
  /** Characters of a name. */
  name: 1000,
  /** Characters of a text in an attribute. */
  text: 65_536,
  /** Attributes, events or links of one span. */
  each: 1000,
  /** Lists within lists in one attribute. */
  depth: 10,
}

type Fields = Record<string, unknown>

const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A part of a text that may contain anything, for a sentence. */
export const excerpt = (text: string): string => {
  const plain = text.replaceAll(/[\p{C}\p{Z}]+/gu, ' ')
  return plain.length > 60 ? `${plain.slice(0, 60)}\u2026` : plain
}

/** An object; `where` names it in the refusal. */
export function objectIn(value: unknown, where: string): Fields {
  if (!isObject(value)) throw new UnreadableTraces(`${where} is not an object.`)
  return value
}

/** A list of objects; a missing one is empty. */
export function listIn(of: Fields, name: string, where: string): Fields[] {
  const value = own(of, name)
  if (value === undefined || value === null) return []
  if (!Array.isArray(value)) throw new UnreadableTraces(`${where}: ${name} is not a list.`)
  for (const one of value)
    if (!isObject(one))
      throw new UnreadableTraces(`${where}: an entry of ${name} is not an object.`)
  return value as Fields[]
}

/** Not what the object's prototype has. */
export const own = (of: Fields, name: string): unknown =>
  Object.hasOwn(of, name) ? of[name] : undefined

/** A text of at most `max` characters; a missing one is empty. */
export function textIn(of: Fields, name: string, where: string, max = valueBounds.name): string {
  const value = own(of, name) ?? ''
  if (typeof value !== 'string') throw new UnreadableTraces(`${where}: ${name} is not a text.`)
  if (value.length > max) {
    throw new UnreadableTraces(
      `${where}: ${name} has ${value.length.toLocaleString('en')} characters, but at most ${max.toLocaleString('en')} are read.`,
    )
  }
  return value
}

/** An id of hexadecimal digits, in lower case; undefined when it is missing, empty or zero. */
export function idIn(of: Fields, name: string, digits: number, where: string): string | undefined {
  const value = textIn(of, name, where)
  if (/^0*$/.test(value)) return undefined
  if (value.length !== digits || !/^[0-9a-f]+$/i.test(value))
    throw new UnreadableTraces(`${where}: ${name} is not an id of ${digits} hexadecimal digits.`)
  return value.toLowerCase()
}

const [earliest, latest] = [Date.UTC(2000, 0) / 1000, Date.UTC(2100, 0) / 1000]

/** Nanoseconds since 1970, a text or a number, as seconds and nanoseconds. Refuses what is not between 2000 and 2100. */
export function timeIn(of: Fields, name: string, where: string): [number, number] {
  const value = own(of, name)
  const digits =
    typeof value === 'number' && Number.isInteger(value) ? BigInt(value).toString() : value
  if (typeof digits === 'string' && /^\d{1,19}$/.test(digits)) {
    const nanos = BigInt(digits)
    const seconds = Number(nanos / 1_000_000_000n)
    if (seconds >= earliest && seconds < latest) return [seconds, Number(nanos % 1_000_000_000n)]
  }
  throw new UnreadableTraces(
    `${where}: ${name} is not a time between 2000 and 2100 in nanoseconds since 1970.`,
  )
}

/** The number of one of the names of an enumeration; OTLP has numbers, some writers have names. */
export function numberIn(of: Fields, name: string, names: readonly string[]): number {
  const value = own(of, name)
  if (typeof value === 'number')
    return Number.isInteger(value) && value >= 0 && value < names.length ? value : 0
  return typeof value === 'string' ? Math.max(0, names.indexOf(value)) : 0
}

export type Value = string | number | boolean

/** Attributes as names and plain values: lists and maps become JSON. */
export function attributesIn(of: Fields, where: string): Record<string, Value> {
  const list = listIn(of, 'attributes', where)
  if (list.length > valueBounds.each)
    throw new UnreadableTraces(`${where} has more than ${valueBounds.each} attributes.`)
  const attribute = `${where}: an attribute`
  // `fromEntries` makes a plain property of `__proto__`; an assignment would not.
  return Object.fromEntries(
    list.map((one) => {
      const key = textIn(one, 'key', attribute)
      const given = own(one, 'value') ?? {}
      // Most values are short texts. A file has 50,000 of them: no sentence is prepared for each.
      const text = isObject(given) ? own(given, 'stringValue') : undefined
      if (typeof text === 'string' && text.length <= valueBounds.text) return [key, text]
      const value = plainValue(given, `${where}: the attribute "${excerpt(key)}"`, 0)
      return [key, typeof value === 'object' ? JSON.stringify(value) : value]
    }),
  )
}

type Plain = Value | Plain[] | { [name: string]: Plain }

/** The plain value of an `AnyValue`. */
function plainValue(given: unknown, where: string, depth: number): Plain {
  if (depth > valueBounds.depth)
    throw new UnreadableTraces(`${where} has more than ${valueBounds.depth} lists within lists.`)
  const value = objectIn(given, where)
  if (own(value, 'arrayValue') !== undefined)
    return listIn(objectIn(value['arrayValue'], where), 'values', where).map((one) =>
      plainValue(one, where, depth + 1),
    )
  if (own(value, 'kvlistValue') !== undefined)
    return Object.fromEntries(
      listIn(objectIn(value['kvlistValue'], where), 'values', where).map((one) => [
        textIn(one, 'key', where),
        plainValue(own(one, 'value') ?? {}, where, depth + 1),
      ]),
    )
  return scalar(value, where)
}

function scalar(value: Fields, where: string): Value {
  for (const name of ['stringValue', 'bytesValue'])
    if (own(value, name) !== undefined) return textIn(value, name, where, valueBounds.text)
  const truth = own(value, 'boolValue')
  if (typeof truth === 'boolean') return truth
  for (const name of ['intValue', 'doubleValue']) {
    const number = own(value, name)
    if (typeof number === 'number') return number
    // OTLP writes a 64-bit number as a text; a double may be "NaN".
    if (typeof number === 'string' && /^(-?\d{1,20}|-?Infinity|NaN)$/.test(number)) return number
  }
  if (Object.keys(value).length === 0) return ''
  throw new UnreadableTraces(`${where} has a value of an unknown type.`)
}
