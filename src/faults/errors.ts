import type { Fault } from './fault.ts'

/** What the handler of a chosen request throws: a plain error, as a bug would. */
class InjectedError extends Error {
  override name = 'InjectedError'
}

const words = 'Cannot read the row: the answer of the store has no field "id".'

/** The same in a game day, where neither the name nor a frame of the stack may tell where it comes from. */
function disguised(): Error {
  const error = new TypeError(words)
  error.stack = `TypeError: ${words}`
  return error
}

export const errors: Fault = {
  name: 'errors',
  kind: 'application',
  title: 'Errors',
  does: 'The handler of some requests throws instead of answering.',
  moves:
    'Status 500 on the route; error.type on its server span and its handler span; a log line with the stack; errors of the route.',
  find: '/routes: the row with errors. Its name leads to /traces; tick "failed only". A failed trace ends in a red handler span, and its link Logs shows the stack.',
  cure: 'Read the stack, mend the handler or roll back the release that brought it.',
  strength: { what: 'Requests that fail', unit: '%', min: 1, max: 100, default: 50 },
  takesRoute: true,
  start({ around, strength, random, secret }) {
    around((_, next) => {
      if (random() * 100 >= strength) return next()
      throw secret ? disguised() : new InjectedError(words)
    })
  },
}
