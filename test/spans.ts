import { SpanStatusCode } from '@opentelemetry/api'
import { resourceFromAttributes } from '@opentelemetry/resources'

import type { RecordedSpan } from '../src/trace-store/recorded.ts'

type Known = 'name' | 'kind' | 'spanContext' | 'startTime' | 'duration'

/** A finished span as the SDK exports it; fields that are not given are empty. */
export const finishedSpan = (
  given: Pick<RecordedSpan, Known> & Partial<RecordedSpan>,
): RecordedSpan => ({
  endTime: [given.startTime[0] + given.duration[0], given.startTime[1] + given.duration[1]],
  ended: true,
  status: { code: SpanStatusCode.UNSET },
  attributes: {},
  links: [],
  events: [],
  resource: resourceFromAttributes({}),
  instrumentationScope: { name: 'tracewren' },
  droppedAttributesCount: 0,
  droppedEventsCount: 0,
  droppedLinksCount: 0,
  ...given,
})
