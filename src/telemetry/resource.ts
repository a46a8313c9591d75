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
import {
  ATTR_SERVICE_INSTANCE_ID,
  ATTR_SERVICE_NAME,
  ATTR_SERVICE_VERSION,
} from '@opentelemetry/semantic-conventions'

import { version } from '../config/version.ts'

/** The resource attributes of this process. OTEL_RESOURCE_ATTRIBUTES and OTEL_SERVICE_NAME override our defaults. */
export function describeProcess(detectors: string[]): Resource {
  return defaultResource()
    .merge(
      resourceFromAttributes({
        [ATTR_SERVICE_NAME]: 'tracewren',
        [ATTR_SERVICE_VERSION]: version,
        [ATTR_SERVICE_INSTANCE_ID]: randomUUID(),
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

/** The service.instance.id of a resource. Its other attributes may still be being looked up: they are not touched. */
export function instanceOf(resource: Resource): string | undefined {
  const found = resource.getRawAttributes().find(([name]) => name === ATTR_SERVICE_INSTANCE_ID)?.[1]
  return typeof found === 'string' ? found : undefined
}
