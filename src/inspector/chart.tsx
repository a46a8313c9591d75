import { counted } from '../base/format.ts'
import { addAll, histogram, percentile } from '../trace-store/histogram.ts'
import { bucketMs, bucketsKept, type Bucket } from '../trace-store/statistics.ts'
import { shortMs } from '../ui/chip.tsx'

const height = 40
const step = 4

/** One line of a chart. The last one is drawn on top of the others, and named first. */
type Series = { kind: string; values: number[]; label?: string }

const tenths = (number: number) => Math.round(10 * number) / 10

/**
 * Values over time as bars of an SVG, one bar for each bucket with a value. Drawn without a chart library, because that
 * would be larger than the page; the numbers are in the text beside it.
 */
const Bars = ({ values, max, kind }: Omit<Series, 'label'> & { max: number }) => {
  const bars = values.map((value, index) =>
    value > 0
      ? `M${index * step} ${height}v-${Math.max(1, tenths((value / max) * height))}h3V${height}z`
      : '',
  )
  return <path class={kind} d={bars.join('')} />
}

type ChartProps = { label: string; value?: string; top: string; series: Series[] }

const Chart = ({ label, value, top, series }: ChartProps) => (
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
    >
      {series.map(({ kind, values }) => (
        <Bars kind={kind} values={values} max={Math.max(...series.flatMap((one) => one.values))} />
      ))}
    </svg>
    <p class='axis'>
      <span>-{(bucketsKept * bucketMs) / 60_000} min</span> <span>{top}</span> <span>now</span>
    </p>
  </figure>
)

/** Rate, errors and duration of the last ten minutes. */
export const Charts = ({ series }: { series: Bucket[] }) => {
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
  return (
    <div class='charts'>
      <Chart
        label='Rate'
        value={counted(count, 'request')}
        top={`top ${Math.max(...rates).toFixed(1)} /s`}
        series={[{ kind: 'rate', values: rates }]}
      />
      <Chart
        label='Errors'
        value={`${count === 0 ? '0' : ((100 * errors) / count).toFixed(1)} %`}
        top={`${errors} in all`}
        series={[{ kind: 'errors', values: series.map((bucket) => bucket.errors) }]}
      />
      <Chart label='Duration' top={`top ${shortMs(slowest)}`} series={durations} />
    </div>
  )
}
