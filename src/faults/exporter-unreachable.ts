import { exporters, faultPoints } from '../telemetry/fault-points.ts'
import { breaking } from './breaking.ts'
import type { Fault } from './fault.ts'

export const exporterUnreachable: Fault = {
  name: 'exporter-unreachable',
  kind: 'telemetry',
  title: 'Exporter unreachable',
  does: 'Exports of traces, metrics and logs fail, as if nobody listened at the address of the Collector.',
  moves:
    'otel.sdk.processor.span.processed and otel.sdk.processor.log.processed with error.type; the log lines "telemetry is not delivered" and "telemetry dropped"; gaps in Grafana. Requests are as fast as before.',
  find: '/traces: the line "Export" says since when it fails, and why; /logs has "telemetry is not delivered", once a minute. The inspector itself goes on, because it needs no export.',
  cure: 'Look at the Collector and the way to it: its health check, its address, the firewall.',
  strength: { what: 'Exports that fail', unit: '%', min: 1, max: 100, default: 100 },
  refusal: () =>
    exporters.count > 0
      ? undefined
      : 'This process exports nothing. Start it with OTEL_EXPORTER_OTLP_ENDPOINT.',
  start: breaking(faultPoints, 'failsExport'),
}
