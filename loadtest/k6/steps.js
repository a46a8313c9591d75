// What a step of the model may be, and that everything it sends comes from somewhere.
import { checkFields, isObject, isText, isWhole, known, refuse } from './fields.js'

const stepFields = {
  'request?': 'text',
  'as?': 'text',
  'with?': 'object',
  'times?': 'counts',
  'chance?': 'share',
  'pause?': 'range',
  'steps?': 'list',
  'oneOf?': 'list',
}

/** `given`: the variables that the steps around these ones have already chosen. */
export function checkSteps(model, steps, where, given) {
  if (!Array.isArray(steps)) refuse(`${where} must have lists of steps.`)
  for (const step of steps) {
    checkFields(`a step of ${where}`, step, stepFields)
    const acts = ['request', 'pause', 'steps', 'oneOf'].filter((name) => step[name] !== undefined)
    if (acts.length !== 1)
      refuse(`a step of ${where} must have one of "request", "pause", "steps" and "oneOf".`)
    const chosen = [...given, ...checkSources(model, step, where)]
    if (step.as !== undefined) known(model.askers, step.as, where, 'asker')
    if (step.request !== undefined) checkRequested(model, step.request, chosen, where)
    for (const inner of step.steps === undefined ? (step.oneOf ?? []) : [step.steps])
      checkSteps(model, inner, where, chosen)
  }
}

/** The variables of a text; `{key?}`, which may have no value, is none. */
const variablesIn = (text) => [...text.matchAll(/\{(\w+)\}/g)].map(([, name]) => name)

export function checkTexts(texts, given, where) {
  for (const [field, text] of Object.entries(texts)) {
    const unknown = variablesIn(text).find((name) => !given.includes(name))
    if (unknown !== undefined)
      refuse(`${where}.${field} has {${unknown}}, which means nothing there.`)
  }
}

/** Everything that a request is made of must come from somewhere. */
export function checkRequested(model, name, given, where) {
  known(model.requests, name, where, 'request')
  const { path, fields = {} } = model.requests[name]
  for (const variable of [path, ...Object.values(fields)].flatMap(variablesIn)) {
    if (!given.includes(variable))
      refuse(`${where} does not say where {${variable}} of the request "${name}" comes from.`)
  }
}

/** The names of the variables that a step chooses. */
export function checkSources(model, step, where) {
  const sources = Object.entries(step.with ?? {})
  for (const [name, source] of sources) checkSource(model, source, `${where}, {${name}}`)
  return sources.map(([name]) => name)
}

function checkSource(model, source, where) {
  if (isObject(source) && isText(source.of)) return known(model.lists, source.of, where, 'list')
  if (isObject(source) && isText(source.seen))
    return known(model.sights, source.seen, where, 'sight')
  if (isObject(source) && isWhole(source.from) && isWhole(source.to) && source.from <= source.to)
    return undefined
  return refuse(
    `${where} must come "of" a list, be "seen", or lie "from" one whole number "to" another.`,
  )
}
