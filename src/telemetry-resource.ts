import { randomUUID } from 'node:crypto'

import {
  defaultResource,
  detectResources,
  envDetector,
  hostDetector,
  osDetector,
  processDetector,
  resourceFromAttributes,
  serviceInstanceIdDetector,
  type Resource,
  type ResourceDetector,
} from '@opentelemetry/resources'

import { version } from './version.ts'

/** What this process is; OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME win over what we say. */
export function describeProcess(detectors: string[]): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        'service.name': 'tracewren',
        'service.version': version,
        'service.instance.id': randomUUID(),
      }),
    )
    .merge(detectResources({ detectors: detectors.flatMap((name) => byName[name] ?? []) }))
}

const byName: Record<string, ResourceDetector> = {
  env: envDetector,
  host: hostDetector,
  os: osDetector,
  process: processDetector,
  serviceinstance: serviceInstanceIdDetector,
}
