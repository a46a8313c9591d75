// A trace as rows of a waterfall: who called whom, when, for how long, and what of it mattered. Pure arithmetic.
import { spanTimes, type RecordedSpan, type RecordedTrace } from '../../recorder.ts'

export type WaterfallRow = {
  span: RecordedSpan
  id: string
  depth: number
  /** Milliseconds after the start of the trace, and how long it took. */
  from: number
  ms: number
  /** Time that none of its children account for. */
  selfMs: number
  /** Making this faster would make the whole faster. */
  critical: boolean
  /** Its parent was cut, or has not arrived. */
  orphan: boolean
}

/** The same statement several times in one trace: one query could have asked for all. */
export type Repetition = {
  summary: string
  text: string
  count: number
  ms: number
  firstSpanId: string
}

export type Waterfall = { at: number; ms: number; rows: WaterfallRow[]; repetitions: Repetition[] }

const repeatedFrom = 3

type Node = {
  span: RecordedSpan
  id: string
  from: number
  to: number
  ms: number
  children: Node[]
  isChild: boolean
}

/** Lays out a trace; clock jumps and missing parents give odd rows, never an error. */
export function layOut(trace: RecordedTrace): Waterfall {
  const nodes = new Map<string, Node>()
  for (const span of trace.spans) {
    const { at, ms } = spanTimes(span)
    const id = span.spanContext().spanId
    nodes.set(id, { span, id, from: at, to: at + ms, ms, children: [], isChild: false })
  }
  for (const node of nodes.values()) {
    const parent = nodes.get(node.span.parentSpanContext?.spanId ?? '')
    if (!parent || parent === node) continue
    parent.children.push(node)
    node.isChild = true
  }
  const all = [...nodes.values()]
  const at = all.reduce((first, { from }) => Math.min(first, from), Number.POSITIVE_INFINITY)
  const end = all.reduce((last, { to }) => Math.max(last, to), 0)
  const critical = new Set<Node>()
  const rows: WaterfallRow[] = []
  const roots = all.filter(({ isChild }) => !isChild).sort(byStart)
  const shown = new Set<Node>()
  // Spans that call each other in a circle have no root: they come last.
  for (const root of [...roots, ...all]) {
    if (shown.has(root)) continue
    markCritical(root, critical)
    addRows(root, { at, critical, rows, shown })
  }
  return { at, ms: Math.max(0, end - at), rows, repetitions: findRepetitions(trace.spans) }
}

const byStart = (one: Node, other: Node) => one.from - other.from

function addRows(
  root: Node,
  into: { at: number; critical: Set<Node>; rows: WaterfallRow[]; shown: Set<Node> },
): void {
  const stack: [Node, number][] = [[root, 0]]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [node, depth] = next
    if (into.shown.has(node)) continue
    into.shown.add(node)
    const parent = node.span.parentSpanContext
    into.rows.push({
      span: node.span,
      id: node.id,
      depth,
      from: node.from - into.at,
      ms: node.ms, // not `to - from`: a time of today has room for a quarter of a microsecond only
      selfMs: Math.max(0, node.ms - covered(node)),
      critical: into.critical.has(node),
      orphan: depth === 0 && parent !== undefined && parent.isRemote !== true,
    })
    for (const child of node.children.sort(byStart).toReversed()) stack.push([child, depth + 1])
  }
}

/** How much of a span its children cover, overlaps counted once. */
function covered({ from, to, children }: Node): number {
  let sum = 0
  let until = from
  for (const child of [...children].sort(byStart)) {
    const start = Math.max(child.from, until)
    const stop = Math.min(child.to, to)
    if (stop <= start) continue
    sum += stop - start
    until = stop
  }
  return sum
}

/** From the end backwards: of the children, the one that ended last is what its parent waited for. */
function markCritical(root: Node, critical: Set<Node>): void {
  const stack = [root]
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (critical.has(node)) continue
    critical.add(node)
    let time = node.to
    for (const child of [...node.children].sort((one, other) => other.to - one.to)) {
      if (child.to > time + 0.001) continue
      stack.push(child)
      time = child.from
    }
  }
}

function findRepetitions(spans: RecordedSpan[]): Repetition[] {
  const found = new Map<string, Repetition>()
  for (const span of spans) {
    const text = span.attributes['db.query.text']
    if (typeof text !== 'string') continue
    const known = found.get(text) ?? {
      summary: span.name,
      text,
      count: 0,
      ms: 0,
      firstSpanId: span.spanContext().spanId,
    }
    known.count += 1
    known.ms += spanTimes(span).ms
    found.set(text, known)
  }
  return [...found.values()].filter(({ count }) => count >= repeatedFrom)
}
