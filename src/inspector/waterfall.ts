// Lays out a trace as rows of a waterfall: tree, times, own time and critical path. Pure functions.
import { ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import { isServerSpan, spanTimes } from '../trace-store/recorded-request.ts'
import type { RecordedSpan, RecordedTrace } from '../trace-store/recorded.ts'

/** A period in a trace: its start in ms after the start of the trace, and its length in ms. */
export type Stretch = { from: number; ms: number }

export type WaterfallRow = {
  span: RecordedSpan
  id: string
  depth: number
  /** Start in ms after the start of the trace, and duration in ms. */
  from: number
  ms: number
  /** Own time in ms: time without a running child; `own`: the periods of it, the gaps between the children. */
  selfMs: number
  own: Stretch[]
  /** Is it on the critical path? `waited`: the parts of its own time that are on it. */
  critical: boolean
  waited: Stretch[]
  /** Its parent was dropped, or has not arrived. */
  orphan: boolean
}

/** The same statement three times or more in one request: one query could replace them. */
type Repetition = {
  summary: string
  text: string
  count: number
  ms: number
  firstSpanId: string
}

export type Waterfall = {
  at: number
  ms: number
  rows: WaterfallRow[]
  repetitions: Repetition[]
  /** The number of spans outside of the time of their parent: a clock was set, or they went on after its end. */
  astray: number
}

const repeatedFrom = 3

type Node = {
  span: RecordedSpan
  id: string
  from: number
  to: number
  ms: number
  children: Node[]
  parent: Node | undefined
}

/** Lays out a trace. Clock jumps, missing parents and circles never throw; they give odd rows. */
export function layOut(trace: RecordedTrace): Waterfall {
  const nodes = new Map<string, Node>()
  for (const span of trace.spans) {
    const { at, ms } = spanTimes(span)
    const id = span.spanContext().spanId
    nodes.set(id, { span, id, from: at, to: at + ms, ms, children: [], parent: undefined })
  }
  for (const node of nodes.values()) {
    const parent = nodes.get(node.span.parentSpanContext?.spanId ?? '')
    if (!parent || parent === node) continue
    parent.children.push(node)
    node.parent = parent
  }
  const all = [...nodes.values()]
  const at = all.reduce((first, { from }) => Math.min(first, from), Number.POSITIVE_INFINITY)
  const end = all.reduce((last, { to }) => Math.max(last, to), 0)
  const critical = new Map<Node, Stretch[]>()
  const rows: WaterfallRow[] = []
  const roots = all.filter(({ parent }) => !parent).sort(byStart)
  const shown = new Set<Node>()
  // Spans that are each other's parents have no root: they come last.
  for (const root of [...roots, ...all]) {
    if (shown.has(root)) continue
    markCritical(root, critical)
    addRows(root, { at, critical, rows, shown })
  }
  return {
    at,
    ms: Math.max(0, end - at),
    rows,
    repetitions: findRepetitions(all),
    astray: all.filter(isAstray).length,
  }
}

const isAstray = ({ from, ms, parent }: Node) =>
  ms < 0 || (parent !== undefined && (from < parent.from - 1 || from > parent.to + 1))

const byStart = (one: Node, other: Node) => one.from - other.from

function addRows(
  root: Node,
  into: { at: number; critical: Map<Node, Stretch[]>; rows: WaterfallRow[]; shown: Set<Node> },
): void {
  const stack: [Node, number][] = [[root, 0]]
  for (let next = stack.pop(); next; next = stack.pop()) {
    const [node, depth] = next
    if (into.shown.has(node)) continue
    into.shown.add(node)
    const parent = node.span.parentSpanContext
    const shift = (stretch: Stretch) => ({ from: stretch.from - into.at, ms: stretch.ms })
    const own = uncovered(node)
    into.rows.push({
      span: node.span,
      id: node.id,
      depth,
      from: node.from - into.at,
      ms: node.ms, // not `to - from`: as a double, a Unix time in ms has a precision of only 0.25 µs
      selfMs: Math.max(0, node.children.length > 0 ? sumOf(own) : node.ms),
      own: own.map(shift),
      critical: into.critical.has(node),
      waited: (into.critical.get(node) ?? []).map(shift),
      orphan: depth === 0 && parent !== undefined && parent.isRemote !== true,
    })
    for (const child of node.children.sort(byStart).toReversed()) stack.push([child, depth + 1])
  }
}

const sumOf = (stretches: Stretch[]) => stretches.reduce((sum, { ms }) => sum + ms, 0)

/** The periods of a span in which none of its children ran. */
function uncovered({ from, to, children }: Node): Stretch[] {
  const stretches: Stretch[] = []
  let until = from
  for (const child of [...children].sort(byStart)) {
    if (child.to <= until || child.from >= to) continue
    if (child.from > until) stretches.push({ from: until, ms: child.from - until })
    until = child.to
  }
  if (until < to) stretches.push({ from: until, ms: to - until })
  return stretches
}

/** Finds the critical path from the end backwards: a parent waits for the child that ended last. */
function markCritical(root: Node, critical: Map<Node, Stretch[]>): void {
  const stack = [root]
  for (let node = stack.pop(); node; node = stack.pop()) {
    if (critical.has(node)) continue
    const waited: Stretch[] = []
    critical.set(node, waited)
    let time = node.to
    for (const child of [...node.children].sort((one, other) => other.to - one.to)) {
      if (child.to > time + 0.001) continue
      stack.push(child)
      if (child.to < time) waited.push({ from: child.to, ms: time - child.to })
      time = child.from
    }
    if (node.from < time) waited.push({ from: node.from, ms: time - node.from })
  }
}

/** The id of the request that a span belongs to. Requests that share a trace repeat queries legitimately. */
function requestOf(node: Node): string {
  let one = node
  for (let steps = 0; one.parent && !isServerSpan(one.span) && steps < 1000; steps++)
    one = one.parent
  return one.id
}

function findRepetitions(nodes: Node[]): Repetition[] {
  const found = new Map<string, Repetition>()
  for (const node of nodes) {
    const text = node.span.attributes[ATTR_DB_QUERY_TEXT]
    if (typeof text !== 'string') continue
    const key = `${requestOf(node)} ${text}`
    const known = found.get(key) ?? {
      summary: node.span.name,
      text,
      count: 0,
      ms: 0,
      firstSpanId: node.id,
    }
    known.count += 1
    known.ms += node.ms
    found.set(key, known)
  }
  return [...found.values()].filter(({ count }) => count >= repeatedFrom)
}
