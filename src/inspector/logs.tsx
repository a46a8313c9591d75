import * as v from 'valibot'

import { query } from '../http/validation.ts'
import type { RecordedLog } from '../trace-store/recorded.ts'
import { recorderBounds } from '../trace-store/recorder.ts'
import { Header } from './header.tsx'
import { Clock } from './list.tsx'
import { LogLine } from './log-line.tsx'

const levels = ['', 'debug', 'info', 'warn', 'error'] as const
const shownAtOnce = 100

export const logQuery = query({
  q: v.optional(v.pipe(v.string(), v.maxLength(200, 'That is too long.')), ''),
  level: v.optional(v.picklist(levels, 'There is no such level.'), ''),
})

export const LogList = ({ logs, q, level }: { logs: RecordedLog[]; q: string; level: string }) => {
  const passing = logs.filter(
    (line) =>
      (level === '' || line.level === level) &&
      (q === '' ||
        `${line.message} ${line.traceId ?? ''} ${JSON.stringify(line.facts)}`
          .toLowerCase()
          .includes(q.toLowerCase())),
  )
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
      <form class='filters' action='/logs' role='search' aria-label='Filter log lines'>
        <label>
          <span>Text or trace id</span>
          <input name='q' value={q} maxlength={200} />
        </label>
        <label>
          <span>Level</span>
          <select name='level'>
            {levels.map((one) => (
              <option value={one} selected={one === level}>
                {one || 'all'}
              </option>
            ))}
          </select>
        </label>
        <button class='btn'>Filter</button>
      </form>
      <ol class='logs'>
        {passing.slice(0, shownAtOnce).map((line) => (
          <li class='log'>
            <Clock at={line.at} />
            <LogLine line={line} withStacks traced />
          </li>
        ))}
      </ol>
      {passing.length === 0 && <p class='empty-state'>No line passes these filters.</p>}
      {passing.length > shownAtOnce && (
        <p class='end'>
          The newest {shownAtOnce} of {passing.length}: a filter finds the others.
        </p>
      )}
      {logs.length >= recorderBounds.logs && (
        <p class='end'>Older lines were dropped: only the newest {recorderBounds.logs} are kept.</p>
      )}
    </>
  )
}
