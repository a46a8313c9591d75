import { cardinality } from './cardinality.ts'
import { firstTrace } from './first-trace.ts'
import type { Lab } from './lab.ts'
import { logsAndTraces } from './logs-and-traces.ts'
import { missingIndex } from './missing-index.ts'
import { nPlusOne } from './n-plus-one.ts'
import { overload } from './overload.ts'
import { propagation } from './propagation.ts'
import { queueBeforeLock } from './queue-before-lock.ts'
import { sampling } from './sampling.ts'
import { slowForSome } from './slow-for-some.ts'

/** The ten labs, in the order of the course. */
export const labs: Lab[] = [
  firstTrace,
  nPlusOne,
  missingIndex,
  slowForSome,
  queueBeforeLock,
  sampling,
  logsAndTraces,
  propagation,
  cardinality,
  overload,
]
