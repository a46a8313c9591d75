// Who gets to see our trace ids: servers that belong to this instance, not those that a link leads to.
import { context, createContextKey, type TextMapPropagator } from '@opentelemetry/api'

const stranger = createContextKey('a request to a server of somebody else')

/** Runs work whose requests go to servers of other people: they get no traceparent and no baggage. */
export const toStranger = <T>(work: () => T): T =>
  context.with(context.active().setValue(stranger, true), work)

/** The same propagator, except that it adds nothing to requests to strangers. */
export const notToStrangers = (real: TextMapPropagator): TextMapPropagator => ({
  fields: () => real.fields(),
  extract: (...given) => real.extract(...given),
  inject(active, ...given) {
    if (active.getValue(stranger) !== true) real.inject(active, ...given)
  },
})
