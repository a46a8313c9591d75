// /traces/runtime: what the process itself did in the last ten minutes.
import { counted } from '../base/format.ts'
import {
  sampleMs,
  samplesKept,
  type RuntimeSample,
  type RuntimeSamples,
} from '../trace-store/runtime.ts'
import { shortMs } from '../ui/chip.tsx'
import { ChartRow, type ChartProps } from './chart.tsx'
import { Header } from './header.tsx'

declare module 'hono' {
  interface ContextVariableMap {
    /** The samples of this process; undefined where nothing is sampled. */
    runtime: RuntimeSamples | undefined
  }
}

/** The value of a place without a sample. */
const missing = -1

type Read = (sample: RuntimeSample) => number | undefined

/** A value for each place of a chart, oldest first. */
function valuesOf(samples: RuntimeSample[], now: number, read: Read): number[] {
  const values = Array.from({ length: samplesKept }, () => missing)
  for (const sample of samples) {
    const place = samplesKept - 1 - Math.max(0, Math.floor((now - sample.at) / sampleMs))
    values[place] = Math.max(values[place] ?? missing, read(sample) ?? missing)
  }
  return values
}

type Line = [name: string, read: Read]
type Figure = { label: string; lines: Line[]; unit: (value: number) => string }

const shortBytes = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`
const whole = (value: number) => String(Math.round(value))

const figures = (queues: string[]): Figure[] => [
  {
    label: 'Event loop delay',
    lines: [
      ['max', (one) => one.loopMaxMs],
      ['p99', (one) => one.loopP99Ms],
      ['p50', (one) => one.loopP50Ms],
    ],
    unit: shortMs,
  },
  { label: 'Garbage collection', lines: [['', (one) => one.collectionMs]], unit: shortMs },
  {
    label: 'Memory',
    lines: [
      ['resident', (one) => one.residentBytes],
      ['heap', (one) => one.heapUsedBytes],
    ],
    unit: shortBytes,
  },
  { label: 'Requests in work', lines: [['', (one) => one.activeRequests]], unit: whole },
  {
    label: 'Waiting in queues',
    lines: queues.map((queue): Line => [queue, (one) => one.waiting[queue]]),
    unit: whole,
  },
  { label: 'Write-ahead log', lines: [['', (one) => one.walBytes]], unit: shortBytes },
  {
    label: 'Cards from the cache',
    lines: [
      ['found', (one) => one.cardHits],
      ['rendered', (one) => one.cardMisses],
    ],
    unit: whole,
  },
  {
    label: 'Dropped telemetry',
    lines: [
      ['spans', (one) => one.droppedSpans],
      ['log records', (one) => one.droppedLogRecords],
      ['log lines', (one) => one.droppedLogLines],
    ],
    unit: whole,
  },
]

/** The colours of the lines of a chart, in their order. */
const tones = ['p99', 'p95', 'p50']

function chartOf(
  { label, lines, unit }: Figure,
  samples: RuntimeSample[],
  now: number,
): ChartProps {
  const say = (value: number) => (value < 0 ? 'none' : unit(value))
  const series = lines.map(([name, read], index) => {
    const values = valuesOf(samples, now, read)
    const newest = values.findLast((value) => value >= 0) ?? missing
    return {
      kind: tones[index % tones.length]!,
      name: name || label,
      ...(name && { label: `${name} ${say(newest)}` }),
      values,
      newest,
    }
  })
  return {
    label,
    ...(series.length === 1 && { value: say(series[0]!.newest) }),
    top: `top ${say(Math.max(missing, ...series.flatMap(({ values }) => values)))}`,
    series,
    unit: say,
  }
}

type RuntimeProps = { samples: RuntimeSample[]; now: number; instance: string | undefined }

export const RuntimePage = ({ samples, now, instance }: RuntimeProps) => {
  const queues = [...new Set(samples.flatMap(({ waiting }) => Object.keys(waiting)))]
  return (
    <>
      <Header
        at='/traces/runtime'
        title='Runtime'
        words='What this process itself did in the last ten minutes: each bar is ten seconds, of queues the most that was seen.'
      />
      {samples.length === 0 ? (
        <p class='empty-state'>There is no sample yet: the first comes after ten seconds.</p>
      ) : (
        <div class='runtime'>
          <ChartRow
            charts={figures(queues)
              .filter(({ lines }) => lines.length > 0)
              .map((figure) => chartOf(figure, samples, now))}
          />
        </div>
      )}
      <p class='words'>
        {counted(samples.length, 'sample')}. As JSON for programs:{' '}
        <code>curl -H &apos;Accept: application/json&apos; …/traces/runtime</code>
        {instance !== undefined && (
          <>
            . This process is <code>{instance}</code> (service.instance.id)
          </>
        )}
        .
      </p>
    </>
  )
}

const snake = (name: string) => name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)

/** The same for programs. A value that does not exist is null. */
export const runtimeJson = ({ samples, instance }: RuntimeProps) => ({
  instance: instance ?? null,
  seconds: sampleMs / 1000,
  samples: samples.map((sample) =>
    Object.fromEntries(
      Object.entries({ ...sample, walBytes: sample.walBytes ?? null }).map(([name, value]) => [
        snake(name),
        value,
      ]),
    ),
  ),
})
