import { SamplingDecision, type Sampler } from '@opentelemetry/sdk-trace-node'

import { faultPoints } from './fault-points.ts'

/** The same sampler, which a fault can make drop traces. */
export const breakableSampler = (real: Sampler): Sampler => ({
  shouldSample(...given) {
    const [, traceId] = given
    return faultPoints.keepsTrace?.(traceId) === false
      ? { decision: SamplingDecision.NOT_RECORD }
      : real.shouldSample(...given)
  },
  toString: () => real.toString(),
})
