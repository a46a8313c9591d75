// The figures as a table in Markdown and as a picture.
import type { Bounds, Figures } from './figures.ts'

export type Report = {
  machine: { cpu: string; cores: number; node: string; load: number }
  date: string
  rounds: number
  /** Requests of each variant in each round: at full speed, and at a steady pace. */
  requests: number
  paced: number
  perSecond: number
  /** A small run, which shows the form of the table and no more. */
  quick: boolean
  figures: Figures[]
}

/** More than this share of the cores is other work. */
const busyShare = 0.25

const digits = (value: number): string => value.toFixed(value >= 10 ? 1 : 2)
const whole = (value: number): string => Math.round(value).toLocaleString('en')
const more = (value: number): string => `${value < 0 ? '-' : '+'}${whole(Math.abs(value))}`
const within = ({ value, low, high }: Bounds): string =>
  `${digits(value)} (${digits(low)} to ${digits(high)})`

const exported = ({ traces, metrics, logs }: Figures['wire']): number => traces + metrics + logs

/** How it was measured, in sentences. */
export function caption({ machine, date, rounds, quick, ...run }: Report): string {
  const small = quick
    ? '**A small run: it shows the form of the table, and its numbers are not final.** '
    : ''
  const busy =
    machine.load > machine.cores * busyShare
      ? `, with other work on the machine (load ${machine.load.toFixed(1)})`
      : ''
  return `${small}${rounds} rounds on ${date}; ${machine.cores} cores (${machine.cpu}), Node ${machine.node}${busy}. In each round every variant
serves ${run.requests} requests for \`/timeline\` at full speed (CPU) and ${run.paced} at ${run.perSecond} a second (p99).`
}

/** A row for each variant. */
export function costTable(figures: Figures[]): string {
  const [off] = figures
  const rows = figures.map((one) => {
    const isOff = one === off
    return [
      one.name,
      digits(one.cpuMs.value),
      isOff ? '1' : within(one.cpuTimes),
      digits(one.p99Ms.value),
      isOff ? '1' : within(one.p99Times),
      isOff ? whole(one.rssMb) : `${whole(one.rssMb)} (${more(one.rssMb - off!.rssMb)})`,
      whole(exported(one.wire)),
      isOff ? whole(one.wire.answer) : more(one.wire.answer - off!.wire.answer),
    ]
  })
  const head = [
    '',
    'CPU a page, ms',
    'times off',
    'p99, ms',
    'times off',
    'memory, MB',
    'exported, B a request',
    'answer, B',
  ]
  const rule = head.map((_, index) => (index === 0 ? '---' : '---:'))
  return [head, rule, ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n')
}

const begin = '<!-- made by `npm run telemetry:cost -- all --keep` -->'
const end = '<!-- end -->'

/** The text of the page with this report in the place of the last one. */
export function withReport(page: string, report: Report): string {
  const from = page.indexOf(begin)
  const to = page.indexOf(end, from)
  if (from < 0 || to < 0) throw new Error(`The page has no place between ${begin} and ${end}.`)
  return `${page.slice(0, from + begin.length)}\n\n${caption(report)}\n\n${costTable(report.figures)}\n\n${page.slice(to)}`
}

const left = 190
const wide = 300
const gap = 110
const step = 26

/** Two columns of bars, CPU and p99 as times of off, each with the line of its 95 % interval. */
export function costPicture(report: Report): string {
  const { figures, quick } = report
  const height = 74 + figures.length * step
  const width = left + 2 * wide + gap + 60
  const columns = [
    { title: 'CPU a page, times off', read: (one: Figures) => one.cpuTimes },
    { title: 'p99, times off', read: (one: Figures) => one.p99Times },
  ]
  const names = figures.map(({ name }, row) => words('name', left - 12, 74 + row * step, name))
  const bars = columns.flatMap(({ title, read }, column) => {
    const x = left + column * (wide + gap)
    const most = Math.max(...figures.map((one) => read(one).high))
    const scale = (value: number) => (value / most) * wide
    return [
      words('title', x, 48, title),
      ...figures.map((one, row) => barOf(read(one), { x, y: 62 + row * step, scale })),
    ]
  })
  const heading = `What telemetry costs (${report.rounds} rounds, ${report.date})${quick ? ', a small run: not final' : ''}`
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${height}" role="img" aria-label="What telemetry costs">
<style>
text { font: 12px system-ui, sans-serif; fill: #444 } .name { text-anchor: end; font-weight: 600 } .title { font-weight: 600 }
rect { fill: #b4532a } path { stroke: #222; stroke-width: 1.5; fill: none }
@media (prefers-color-scheme: dark) { text { fill: #ccc } rect { fill: #e0804f } path { stroke: #eee } }
</style>
${words('title', 12, 20, heading)}
${[...names, ...bars].join('\n')}
</svg>
`
}

type Place = { x: number; y: number; scale: (value: number) => number }

function barOf(bounds: Bounds, { x, y, scale }: Place): string {
  const [low, high] = [x + scale(bounds.low), x + scale(bounds.high)].map(short)
  const label = words('', short(x + scale(bounds.high) + 8), y + 12, `${digits(bounds.value)}x`)
  return `<rect x="${x}" y="${y}" width="${short(scale(bounds.value))}" height="16" rx="2"/><path d="M${low} ${y + 8}H${high}M${low} ${y + 4}v8M${high} ${y + 4}v8"/>${label}`
}

const short = (value: number): number => Math.round(value * 10) / 10
function words(kind: string, x: number, y: number, text: string): string {
  const safe = text.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text${kind && ` class="${kind}"`} x="${x}" y="${y}">${safe}</text>`
}
