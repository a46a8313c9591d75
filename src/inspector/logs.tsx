import * as v from 'valibot'

import { query } from '../http/validation.ts'
import type { RecordedLog } from '../trace-store/recorded.ts'
import { recorderBounds } from '../trace-store/recorder.ts'
import { Choice, Labelled } from './field.tsx'
import { Header } from './header.tsx'
import { Clock } from './list.tsx'
import { LogLine } from './log-line.tsx'
import { numeric, queryOf, word } from './parameters.ts'

const levels = ['', 'debug', 'info', 'warn', 'error'] as const
const shownAtOnce = 100

export const logQuery = query({
  q: word,
  level: v.optional(v.picklist(levels, 'There is no such level.'), ''),
  before: numeric,
})

type LogListProps = {
  /** All lines, the newest first. */
  logs: RecordedLog[]
  /** The number of the newest line; those before it count down. */
  newest: number
  q: string
  level: string
  /** Show only lines with smaller numbers. */
  before?: number | undefined
}

/** The lines that pass the filters, each with its number. */
function passingOf({ logs, newest, q, level }: LogListProps) {
  const text = q.toLowerCase()
  return logs
    .map((line, index) => ({ line, number: newest - index }))
    .filter(
      ({ line }) =>
        (level === '' || line.level === level) &&
        (text === '' ||
          `${line.message} ${line.traceId ?? ''} ${JSON.stringify({ ...line.facts, duration_ms: line.ms })}`
            .toLowerCase()
            .includes(text)),
    )
}

export const LogList = (props: LogListProps) => {
  const { logs, q, level, before } = props
  const passing = passingOf(props)
  const from = before === undefined ? 0 : passing.findIndex(({ number }) => number < before)
  const shown = from < 0 ? [] : passing.slice(from, from + shownAtOnce)
  const last = shown.at(-1)
  return (
    <>
      <Header
        at='/logs'
        title='Logs'
        words={
          <>
            The newest lines of this process, those of requests among them, each with the trace that
            it belongs to. Their times are in <span class='zone'>UTC</span>.
          </>
        }
      />
      <LogFilters q={q} level={level} />
      <ol class='logs'>
        {shown.map(({ line }) => (
          <li class='log'>
            <Clock at={line.at} />
            <LogLine line={line} withStacks traced />
          </li>
        ))}
      </ol>
      {shown.length === 0 && (
        <p class='empty-state'>
          {passing.length === 0
            ? 'No line passes these filters.'
            : 'The older lines that pass these filters were dropped.'}
        </p>
      )}
      {last && (
        <p class='end'>
          {before === undefined ? 'The newest ' : 'Older lines: '}
          {shown.length} of {passing.length}.
        </p>
      )}
      <Pages {...props} last={last} isOldest={last === passing.at(-1)} />
      {logs.length >= recorderBounds.logs && (
        <p class='end'>Older lines were dropped: only the newest {recorderBounds.logs} are kept.</p>
      )}
    </>
  )
}

const LogFilters = ({ q, level }: Pick<LogListProps, 'q' | 'level'>) => (
  <form class='filters' action='/logs' role='search' aria-label='Filter log lines'>
    <Labelled label='Text or trace id'>
      <input name='q' value={q} maxlength={200} />
    </Labelled>
    <Choice name='level' label='Level' values={levels} chosen={level} />
    <button class='btn'>Filter</button>
  </form>
)

type PagesProps = Pick<LogListProps, 'q' | 'level' | 'before'> & {
  last: { number: number } | undefined
  isOldest: boolean
}

const Pages = ({ q, level, before, last, isOldest }: PagesProps) => (
  <p class='end'>
    {before !== undefined && (
      <a class='btn quiet' href={`/logs${queryOf({ q, level })}`}>
        Back to the newest
      </a>
    )}{' '}
    {last && !isOldest && (
      <a class='btn quiet' href={`/logs${queryOf({ q, level, before: last.number })}`}>
        Load older
      </a>
    )}
  </p>
)
