// What the fields of the model may be, and how a wrong one is refused.

/** Ends the reading of the model. */
export const refuse = (sentence) => {
  throw new Error(`The model cannot be used: ${sentence}`)
}

export const isNumber = (value) => typeof value === 'number' && Number.isFinite(value) && value >= 0
export const isWhole = (value) => isNumber(value) && Number.isInteger(value)
const isRange = (value) =>
  Array.isArray(value) && value.length === 2 && value.every(isNumber) && value[0] <= value[1]
export const isText = (value) => typeof value === 'string'
export const isObject = (value) =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
export const isTexts = (value) => Array.isArray(value) && value.length > 0 && value.every(isText)

export function isPattern(value) {
  try {
    return Boolean(new RegExp(value))
  } catch {
    return false
  }
}

const isNamed = (value) => isObject(value) && Object.values(value).every(isText)

/** What a field may be, with its words for a refusal. */
const kinds = {
  share: [(value) => isNumber(value) && value > 0 && value <= 1, 'a share above 0 and up to 1'],
  weight: [(value) => isNumber(value) && value > 0, 'a number above 0'],
  whole: [(value) => isWhole(value) && value > 0, 'a whole number above 0'],
  range: [isRange, 'two numbers, the smaller one first'],
  counts: [
    (value) => isRange(value) && value.every(isWhole),
    'two whole numbers, the smaller one first',
  ],
  text: [isText, 'a text'],
  texts: [isTexts, 'a list of texts'],
  statuses: [
    (value) => Array.isArray(value) && value.length > 0 && value.every(isWhole),
    'a list of statuses',
  ],
  list: [(value) => Array.isArray(value) && value.length > 0, 'a list that is not empty'],
  object: [isObject, 'an object'],
  named: [isNamed, 'an object of texts'],
  answer: [
    (value) => isText(value) || isNamed(value),
    'the name of an answer, or one for each asker',
  ],
}

export function known(part, name, where, what) {
  if (!Object.hasOwn(part, name))
    refuse(`${where} names the ${what} "${name}", which does not exist.`)
}

/** Checks one object: `given` names its fields with their kinds; a `?` marks those that may be missing. */
export function checkFields(where, value, given) {
  if (!isObject(value)) refuse(`${where} must be an object.`)
  const names = Object.keys(given).map((name) => name.replace('?', ''))
  for (const name of Object.keys(value)) {
    if (!names.includes(name))
      refuse(`${where} has the field "${name}", which means nothing there.`)
  }
  for (const [field, kind] of Object.entries(given)) {
    const name = field.replace('?', '')
    if (value[name] === undefined) {
      if (!field.endsWith('?')) refuse(`${where} needs the field "${name}".`)
      continue
    }
    const [isFit, words] = kinds[kind]
    if (!isFit(value[name])) refuse(`${where}.${name} must be ${words}.`)
  }
}
