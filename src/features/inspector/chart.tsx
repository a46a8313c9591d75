import { shortMs } from '../../chip.tsx'
import { counted } from '../../format.ts'
import { addAll, histogram, percentile } from '../../histogram.ts'
import { bucketMs, bucketsKept, type Bucket } from '../../statistics.ts'

const width = 240
const height = 40

/** Values over time as a line: an SVG drawn here, with the numbers as text beside it. */
const Line = ({ values, max, kind }: { values: number[]; max: number; kind: string }) => {
  const step = width / Math.max(1, values.length - 1)
  const points = values.map(
    (value, index) =>
      `${(index * step).toFixed(1)},${(height - 2 - (value / (max || 1)) * (height - 4)).toFixed(1)}`,
  )
  return <polyline class={kind} points={points.join(' ')} />
}

const Chart = ({
  label,
  value,
  lines,
}: {
  label: string
  value: string
  lines: { kind: string; values: number[] }[]
}) => (
  <figure class='chart'>
    <figcaption>
      {label} <b>{value}</b>
    </figcaption>
    <svg viewBox={`0 0 ${width} ${height}`} preserveAspectRatio='none' aria-hidden='true'>
      {lines.map(({ kind, values }) => (
        <Line kind={kind} values={values} max={Math.max(...lines.flatMap((line) => line.values))} />
      ))}
    </svg>
    <p class='axis'>
      <span>{(bucketsKept * bucketMs) / 60_000} min ago</span> <span>now</span>
    </p>
  </figure>
)

/** Rate, errors and duration of the last ten minutes. */
export const Charts = ({ series }: { series: Bucket[] }) => {
  const all = histogram()
  for (const bucket of series) addAll(all, bucket.durations)
  const count = series.reduce((sum, bucket) => sum + bucket.count, 0)
  const errors = series.reduce((sum, bucket) => sum + bucket.errors, 0)
  const seconds = bucketMs / 1000
  const peak = Math.max(...series.map((bucket) => bucket.count)) / seconds
  const at = (share: number) => series.map(({ durations }) => percentile(durations, share))
  return (
    <div class='charts'>
      <Chart
        label='Rate'
        value={`${counted(count, 'request')}, at most ${peak.toFixed(1)} /s`}
        lines={[{ kind: 'rate', values: series.map((bucket) => bucket.count / seconds) }]}
      />
      <Chart
        label='Errors'
        value={`${count === 0 ? '0' : ((100 * errors) / count).toFixed(1)} %`}
        lines={[{ kind: 'errors', values: series.map((bucket) => bucket.errors) }]}
      />
      <Chart
        label='Duration'
        value={`p50 ${shortMs(percentile(all, 0.5))}, p95 ${shortMs(percentile(all, 0.95))}, p99 ${shortMs(percentile(all, 0.99))}`}
        lines={[
          { kind: 'p99', values: at(0.99) },
          { kind: 'p95', values: at(0.95) },
          { kind: 'p50', values: at(0.5) },
        ]}
      />
    </div>
  )
}
