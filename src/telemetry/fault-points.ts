// Where the fault lab can break telemetry. All points are empty by default.

type Points = {
  /** Does this export fail? */
  failsExport: (() => boolean) | undefined
  /** Does this request lose the trace that it continues? */
  losesTrace: (() => boolean) | undefined
  /** Does this query span lose its parent? */
  losesParent: (() => boolean) | undefined
  /** The value of http.route in the place of a pattern; `request` is an object that is the same throughout one request. */
  nameRoute:
    | ((route: string, request: { method: string; status: number; key: object }) => string)
    | undefined
  /** Is this trace exported? Asked before the sampler. */
  keepsTrace: ((traceId: string) => boolean) | undefined
  /** Does this log line lose the ids of its trace? */
  losesIds: (() => boolean) | undefined
  /** How far the clock of the spans is ahead, in milliseconds. */
  clockAheadMs: number
}

export const faultPoints: Points = {
  failsExport: undefined,
  losesTrace: undefined,
  losesParent: undefined,
  nameRoute: undefined,
  keepsTrace: undefined,
  losesIds: undefined,
  clockAheadMs: 0,
}

type Result = { code: number; error?: Error }
type Exporter = { export: (items: never, done: (result: Result) => void) => void }

/** How many exporters there are that a fault could keep from delivering. */
export const exporters = { count: 0 }

/** The value of `ExportResultCode.FAILED`; the package of that name belongs to the SDK, which is loaded only when it is wanted. */
const failed = 1

/** The same exporter, which a fault can keep from delivering. */
export function breakable<E extends Exporter>(exporter: E): E {
  exporters.count += 1
  const send: Exporter['export'] = exporter.export.bind(exporter)
  const broken: Exporter['export'] = (items, done) => {
    if (faultPoints.failsExport?.() !== true) return send(items, done)
    const error = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' })
    // Not at once: a real refusal takes a moment, too.
    setImmediate(() => done({ code: failed, error }))
  }
  return Object.assign(exporter, { export: broken })
}
