// Spans and a metric of the HTTP requests that this process sends.
import { UndiciInstrumentation } from '@opentelemetry/instrumentation-undici'
import { createDenyListAttributesProcessor, type ViewOptions } from '@opentelemetry/sdk-metrics'
import {
  ATTR_SERVER_ADDRESS,
  ATTR_SERVER_PORT,
  ATTR_URL_FULL,
  ATTR_URL_QUERY,
  METRIC_HTTP_CLIENT_REQUEST_DURATION,
} from '@opentelemetry/semantic-conventions'

/** People choose the hosts of links: a metric has no series for each. */
export const outgoingViews: ViewOptions[] = [
  {
    instrumentName: METRIC_HTTP_CLIENT_REQUEST_DURATION,
    attributesProcessors: [
      createDenyListAttributesProcessor([ATTR_SERVER_ADDRESS, ATTR_SERVER_PORT]),
    ],
  },
]

/**
 * Traces outgoing HTTP requests (to a libSQL server, and to linked pages), only inside one of our spans. Without query strings, because they
 * may hold secrets.
 */
export function outgoingRequests(): UndiciInstrumentation {
  return new UndiciInstrumentation({
    requireParentforSpans: true,
    startSpanHook: (request) => {
      const path = request.path.split('?')[0]!
      return {
        [ATTR_URL_FULL]: `${request.origin}${path}`,
        ...(path !== request.path && { [ATTR_URL_QUERY]: '' }),
      }
    },
  })
}
