import { exporters, faultPoints } from '../telemetry/fault-points.ts'
import type { Fault } from './fault.ts'

export const sampling: Fault = {
  name: 'sampling',
  kind: 'telemetry',
  title: 'Sampling',
  does: 'Only a small part of the traces is exported, as with OTEL_TRACES_SAMPLER_ARG=0.01.',
  moves:
    'otel.sdk.processor.span.processed falls; most traces cannot be found in Grafana. Metrics and logs stay whole.',
  find: '/traces: nearly every trace says "Not sampled: it stays in this process". The counts of /routes and of a trace store do not agree.',
  cure: 'Sample more, or in the Collector, which can keep all that failed or were slow.',
  strength: { what: 'Traces that are kept', unit: '%', min: 1, max: 50, default: 1 },
  refusal: () =>
    exporters.count > 0
      ? undefined
      : 'This process exports nothing that could be sampled. Start it with OTEL_EXPORTER_OTLP_ENDPOINT.',
  start({ strength }) {
    // The same decision for all spans of a trace: by the end of its id, which is random.
    faultPoints.keepsTrace = (traceId) =>
      Number.parseInt(traceId.slice(-8), 16) / 0x1_0000_0000 < strength / 100
    return () => {
      faultPoints.keepsTrace = undefined
    }
  },
}
