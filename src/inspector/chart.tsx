import { raw } from 'hono/html'

import { counted } from '../base/format.ts'
import { asset } from '../http/assets.ts'
import { addAll, histogram, percentile } from '../trace-store/histogram.ts'
import { bucketMs, bucketsKept, type Bucket } from '../trace-store/statistics.ts'
import { shortMs } from '../ui/chip.tsx'
import { cachedFragment } from '../ui/fragment-cache.ts'
import { Column } from './column.tsx'

const height = 40
const step = 4

/** One line of a chart. The last one is drawn on top of the others, and named first. */
type Series = {
  /** The class that gives its colour. */
  kind: string
  values: number[]
  /** What it is called beside its values, if not like its class. */
  name?: string
  label?: string
}

const tenths = (number: number) => Math.round(10 * number) / 10

/**
 * Values over time as bars of an SVG, one bar for each bucket with a value. Drawn without a chart library, because that
 * would be larger than the page; the numbers are in the text beside it.
 */
const Bars = ({ values, max, kind }: Pick<Series, 'kind' | 'values'> & { max: number }) => {
  const bars = values.map((value, index) =>
    value > 0
      ? `M${index * step} ${height}v-${Math.max(1, tenths((value / max) * height))}h3V${height}z`
      : '',
  )
  return <path class={kind} d={bars.join('')} />
}

/** The places of a chart, each up to what it says. */
const places = Array.from({ length: bucketsKept }, (_, index) => {
  const seconds = ((bucketsKept - index) * bucketMs) / 1000
  const since = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
  return `<rect x="${index * step}" width="${step}" height="${height}"><title>-${since} min: `
})

/** What a place of a chart says when it is pointed at; static/charts.js reads it for keyboards. */
const Places = ({ says }: { says: (index: number) => string }) =>
  raw(places.map((opening, index) => `${opening}${says(index)}</title></rect>`).join(''))

export type ChartProps = {
  label: string
  value?: string
  top: string
  series: Series[]
  /** A value in words. */
  unit: (value: number) => string
}

/** The last ten minutes of one figure. */
export const Chart = ({ label, value, top, series, unit }: ChartProps) => {
  const max = Math.max(...series.map(({ values }) => Math.max(...values)))
  return (
    <figure class='chart'>
      <figcaption>
        <span class='what'>{label}</span> {value && <b>{value}</b>}
        {series
          .toReversed()
          .map(({ kind, label: name }) => name && <span class={`key ${kind}`}>{name}</span>)}
      </figcaption>
      <svg
        viewBox={`0 0 ${bucketsKept * step - 1} ${height}`}
        preserveAspectRatio='none'
        aria-hidden='true'
        data-label={label}
      >
        {series.map(({ kind, values }) => (
          <Bars kind={kind} values={values} max={max} />
        ))}
        <Places
          says={(index) =>
            series
              .map(
                ({ kind, label: said, name = kind, values }) =>
                  `${said ? `${name} ` : ''}${unit(values[index]!)}`,
              )
              .toReversed()
              .join(', ')
          }
        />
      </svg>
      <p class='axis'>
        <span>-{(bucketsKept * bucketMs) / 60_000} min</span> <span class='top'>{top}</span>{' '}
        <span>now</span>
      </p>
    </figure>
  )
}

const perMinute = 60_000 / bucketMs

/** The columns of a table: what it says, and the highest value of each minute. */
const columnsOf = (charts: ChartProps[]) =>
  charts.flatMap(({ label, series, unit }) =>
    series.toReversed().map(({ kind, name = kind, values }) => ({
      head: series.length > 1 ? `${label} ${name}` : label,
      cells: Array.from({ length: bucketsKept / perMinute }, (_, minute) =>
        unit(Math.max(...values.slice(minute * perMinute, (minute + 1) * perMinute))),
      ),
    })),
  )

/** As text rows without JSX, because they are numbers only and on every list: the same values, for eyes, screen readers and browsers without scripts: the highest of each minute. */
const Values = ({ charts }: { charts: ChartProps[] }) => {
  const columns = columnsOf(charts)
  const minutes = bucketsKept / perMinute
  return (
    <details class='values'>
      <summary>Values</summary>
      <div class='scroll' role='region' aria-label='Values of the charts' tabindex={0}>
        <table class='requests sums'>
          <caption>The highest value of each minute</caption>
          <thead>
            <tr>
              <Column>Minutes ago</Column>
              {columns.map(({ head }) => (
                <Column kind='number'>{head}</Column>
              ))}
            </tr>
          </thead>
          <tbody>
            {raw(
              Array.from({ length: minutes }, (_, index) => {
                const cells = columns.map(
                  (one) => `<td class="number">${one.cells[minutes - 1 - index]}</td>`,
                )
                return `<tr><th scope="row">${index} to ${index + 1}</th>${cells.join('')}</tr>`
              }).join(''),
            )}
          </tbody>
        </table>
      </div>
    </details>
  )
}

const script = raw(`<script src="${asset('charts.js')}" defer></script>`)

/** Charts side by side, with their values as text below. */
export const ChartRow = ({ charts }: { charts: ChartProps[] }) => (
  <>
    <div class='charts'>
      {charts.map((chart) => (
        <Chart {...chart} />
      ))}
    </div>
    {script}
    <Values charts={charts} />
  </>
)

type ChartsProps = { series: readonly Bucket[] }

/** Rate, errors and duration of the last ten minutes. */
export const Charts = cachedFragment(
  { keyOf: () => 'newest', isSame: (one: ChartsProps, other) => one.series === other.series },
  ({ series }: ChartsProps) => {
    const all = histogram()
    for (const bucket of series) addAll(all, bucket.durations)
    const count = series.reduce((sum, bucket) => sum + bucket.count, 0)
    const errors = series.reduce((sum, bucket) => sum + bucket.errors, 0)
    const rates = series.map((bucket) => (1000 * bucket.count) / bucketMs)
    const durations = ([0.99, 0.95, 0.5] as const).map((share) => ({
      kind: `p${100 * share}`,
      label: `p${100 * share} ${shortMs(percentile(all, share))}`,
      values: series.map((bucket) => percentile(bucket.durations, share)),
    }))
    const slowest = Math.max(...durations[0]!.values)
    const charts: ChartProps[] = [
      {
        label: 'Rate',
        value: counted(count, 'request'),
        top: `top ${Math.max(...rates).toFixed(1)} /s`,
        series: [{ kind: 'rate', values: rates }],
        unit: (rate) => `${rate.toFixed(1)} /s`,
      },
      {
        label: 'Errors',
        value: `${count === 0 ? '0' : ((100 * errors) / count).toFixed(1)} %`,
        top: `${errors} in all`,
        series: [{ kind: 'errors', values: series.map((bucket) => bucket.errors) }],
        unit: (failed) => counted(failed, 'error'),
      },
      { label: 'Duration', top: `top ${shortMs(slowest)}`, series: durations, unit: shortMs },
    ]
    return <ChartRow charts={charts} />
  },
)
