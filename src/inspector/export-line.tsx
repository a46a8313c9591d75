import { counted } from '../base/format.ts'
import type { ExportState } from '../trace-store/export-state.ts'

const clock = (at: number) => `${new Date(at).toISOString().slice(11, 19)} UTC`

/** What was exported by OTLP and what was lost, since when, and when it is tried again. Nothing when nothing is exported. */
export const ExportLine = ({ states }: { states: readonly ExportState[] }) => {
  if (states.length === 0) return <></>
  const isFailing = states.some(({ failing }) => failing)
  return (
    <p class={isFailing ? 'note' : 'facts'} id='export'>
      <b>Export</b>
      {states.map((state) => (
        <>
          {' '}
          <span>{sentenceOf(state)}</span>
        </>
      ))}
    </p>
  )
}

function sentenceOf({ signal, unit, counts, since, failing, nextAt }: ExportState): string {
  const { delivered, dropped } = counts
  const sent = `${signal}: ${counted(delivered, unit)} sent, ${dropped} dropped since ${clock(since)}`
  if (!failing) return `${sent}.`
  return `${sent}; failing since ${clock(failing.since)}: ${failing.why}; next try ${soon(nextAt, unit)}.`
}

/** A batch waits until there is something in it. */
function soon(at: number | undefined, unit: ExportState['unit']): string {
  const seconds = Math.ceil(((at ?? 0) - Date.now()) / 1000)
  return seconds > 0 ? `in ${seconds} s` : `with the next ${unit}`
}
