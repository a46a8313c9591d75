// /traces/:id: one trace as a waterfall, with its queries and log lines.
import type { RecordedLog, RecordedRequest, RecordedTrace } from '../trace-store/recorded.ts'
import { recorderBounds } from '../trace-store/recorder.ts'
import { shortMs } from '../ui/chip.tsx'
import { CompareLinks } from './compare-links.tsx'
import { Header } from './header.tsx'
import { Status, titleOf } from './list.tsx'
import { spanUnder } from './span.tsx'
import { Summary } from './summary.tsx'
import { Warnings } from './warnings.tsx'
import { WaterfallBars } from './waterfall-bars.tsx'
import { layOut } from './waterfall.ts'

type TraceProps = {
  trace: RecordedTrace
  logs: RecordedLog[]
  /** Requests that htmx sent from this page. */
  since: RecordedRequest[]
  /** Show stack traces: they contain file names of this server, so only those who may see lists see them. */
  withStacks: boolean
  grafana: string | undefined
  /** The origin of this site. */
  origin: string
  /** The requests that this one may be compared with. */
  among: readonly RecordedRequest[]
}

export const TracePage = (props: TraceProps) => {
  const { trace, logs, since, withStacks, grafana, origin, among } = props
  const waterfall = layOut(trace)
  const request = trace.requests[0]
  return (
    <>
      <Header
        at=''
        title={request ? titleOf(request) : 'Trace'}
        words='Time runs from left to right. Solid is the own time of a line, pale the time of the lines below it; the underline is the critical path.'
      />
      <Summary trace={trace} waterfall={waterfall} grafana={grafana} origin={origin} />
      {request && <CompareLinks of={request} among={among} />}
      <Warnings waterfall={waterfall} trace={trace} />
      <WaterfallBars
        waterfall={waterfall}
        more={(row) => spanUnder({ traceId: trace.id, row, logs, withStacks })}
      />
      {since.length > 0 && <Since requests={since} />}
    </>
  )
}

const sinceShown = 50

const Since = ({ requests }: { requests: RecordedRequest[] }) => (
  <section class='since'>
    <h2>Since then, from this page</h2>
    <ul>
      {requests.slice(-sinceShown).map((request) => (
        <li>
          <a href={`/traces/${request.traceId}`}>{titleOf(request)}</a> <Status of={request} />{' '}
          <span class='number'>{shortMs(request.ms)}</span>
        </li>
      ))}
    </ul>
    {requests.length > sinceShown && (
      <p>
        The newest {sinceShown} of {requests.length}.
      </p>
    )}
  </section>
)

/** The content of the chip when it is opened. */
export const Panel = ({ trace, since }: { trace: RecordedTrace; since: RecordedRequest[] }) => {
  const waterfall = layOut(trace)
  return (
    <>
      <Warnings waterfall={waterfall} trace={trace} at={`/traces/${trace.id}`} />
      <WaterfallBars waterfall={waterfall} />
      {since.length > 0 && <Since requests={since} />}
      <p>
        <a href={`/traces/${trace.id}`}>Open the whole trace</a>
      </p>
    </>
  )
}

type GoneProps = {
  /** The service.instance.id of this process. */
  instance: string | undefined
  /** That of the process that made the page with the link. */
  keptBy?: string | undefined
}

/** The page for a trace id that is not, or no longer, recorded. */
export const Gone = ({ instance, keptBy }: GoneProps) => (
  <div class='empty-state'>
    <h1 class='big'>This trace is not here.</h1>
    {keptBy !== undefined && keptBy !== instance && (
      <p>
        Process <code>{keptBy}</code> recorded it, and process <code>{instance}</code> answers you:
        each has only its own traces. Ask again until it is the other one's turn. A proxy that keeps
        a person on one process, as the nginx of this site's compose file does, spares you that.
      </p>
    )}
    <p>
      This process never recorded it, or it has dropped it: it keeps the newest{' '}
      {recorderBounds.traces} traces, in at most {recorderBounds.traceBytes / 1024 / 1024} MB, and
      beyond them the last {recorderBounds.errors} with an error and the {recorderBounds.slow}{' '}
      slowest. A restart deletes all of them, and so does an operator who clears the records.
    </p>
    <p>
      Where several processes serve this site, it may be in the memory of another one
      {instance === undefined ? (
        '.'
      ) : (
        <>
          : this one is <code>{instance}</code> (<code>service.instance.id</code>), the attribute of
          the trace in your backend names the other.
        </>
      )}
    </p>
    <p>
      <a href='/traces/guide'>How to read this</a>
    </p>
  </div>
)
