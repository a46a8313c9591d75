// The traffic model (../model.json): reads and checks it, and says of each answer whether it is the right one.
// Plain JavaScript, which k6 and Node both run. ../locust/model.py does the same in Python.
import { checkModel } from './check.js'
import { isText } from './fields.js'

/** Parses and checks the text of a model; throws an Error with one sentence that names what is wrong. */
export function readModel(text) {
  let model
  try {
    model = JSON.parse(text)
  } catch (error) {
    throw new Error(`The model is not JSON: ${error.message}.`, { cause: error })
  }
  checkModel(model)
  return model
}

/** What a request is called in every report: `GET /user/[id]`. */
export const nameOf = ({ method, name, path }) =>
  `${method} ${name ?? path.replace(/\{(\w+)\}/g, '[$1]')}`

/** One of them, by their weights; `chance` is a number from 0 to 1. */
export function pickByWeight(weighted, chance) {
  const all = Object.values(weighted)
  let left = chance * all.reduce((sum, { weight }) => sum + weight, 0)
  return all.find(({ weight }) => (left -= weight) < 0) ?? all[all.length - 1]
}

/** A number of a range; whole ones for counts. */
export const within = ([low, high], chance) => low + (high - low) * chance
export const wholeWithin = ([low, high], chance) =>
  Math.min(high, low + Math.floor((high - low + 1) * chance))

/** The value that a variable gets; undefined when it must be seen and nothing was. */
export function choose(model, source, seen, random) {
  if (source.from !== undefined) return String(wholeWithin([source.from, source.to], random()))
  const all = source.of === undefined ? (seen[source.seen] ?? []) : model.lists[source.of]
  return all[Math.floor(random() * all.length)]
}

/** A text with its variables, `{id}` or `{key?}`, filled in; undefined when one of them has no value. */
export function fill(template, variables, encode = (value) => value) {
  let isWhole = true
  const text = template.replace(/\{(\w+)\??\}/g, (_, name) => {
    if (variables[name] === undefined) isWhole = false
    return encode(String(variables[name]))
  })
  return isWhole ? text : undefined
}

/** The path of a request. A path that is one variable was seen on a page and is taken as it is, but never off the site. */
export const pathOf = ({ path }, variables) =>
  /^\{\w+\}$/.test(path)
    ? fill(path, variables).replace(/^(?!\/)/, '/')
    : fill(path, variables, encodeURIComponent)

/** Fields or headers with their variables filled in; those without a value are left out. */
export const fillAll = (templates, variables) =>
  Object.fromEntries(
    Object.entries(templates)
      .map(([name, template]) => [name, fill(template, variables)])
      .filter(([, value]) => value !== undefined),
  )

/** The account with this number: user0007 has 7. */
export function accountOf(account, number) {
  const variables = { number: String(number).padStart(4, '0') }
  return {
    name: fill(account.name, variables),
    mailaddress: fill(account.mailaddress, variables),
    password: account.password,
  }
}

/** What the model expects as answer to a request by such an asker. */
export function expectedOf(model, request, asker) {
  const { answer } = request
  return model.answers[isText(answer) ? answer : answer[model.askers[asker].answersLike]]
}

/** What is wrong with an answer, in a few words; undefined when it is as expected. */
export function judge(expected, { status, type, location, body }) {
  if (status === 0) return 'no answer'
  if (!expected.status.includes(status))
    return `answered ${status}, not ${expected.status.join(' or ')}`
  if (expected.location !== undefined && status >= 300 && status < 400) {
    const path = location.replace(/[?#].*/, '')
    if (expected.location === '*' ? !path.startsWith('/') : path !== expected.location)
      return `led to ${path}, not ${expected.location}`
  }
  if (expected.type !== undefined && !type.startsWith(expected.type))
    return `answered with ${type || 'no type'}, not ${expected.type}`
  const missing = (expected.has ?? []).find((text) => !body.includes(text))
  if (missing !== undefined) return `answered ${status} with another page: it lacks ${missing}`
  const surplus = (expected.lacks ?? []).find((text) => body.includes(text))
  if (surplus !== undefined) return `answered ${status} with another page: it has ${surplus}`
  return undefined
}

/** Keeps what a user sees in an answer and may click on next. */
export function look(model, { sees = [] }, body, seen) {
  for (const name of sees) {
    seen[name] = [...body.matchAll(new RegExp(model.sights[name], 'g'))].map(([, found]) =>
      found.replace(/&amp;/g, '&'),
    )
  }
}
