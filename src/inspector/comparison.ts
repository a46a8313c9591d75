// Compares two traces of one route: spans are matched by name and order below the same parent. Pure functions.
import { ATTR_DB_QUERY_TEXT } from '@opentelemetry/semantic-conventions'

import { spanTimes } from '../trace-store/recorded-request.ts'
import type { RecordedSpan } from '../trace-store/recorded.ts'

/** The values of both traces, the earlier one first. */
type Both = [first: number, second: number]

/** Spans of one name below the same parent: a single one of each trace, or all of many. */
export type ComparedRow = {
  name: string
  /** The SQL of a query: queries with the same summary and other SQL have rows of their own. */
  sql: string | undefined
  depth: number
  /** The place among the spans of this name, where there are a few; undefined for the only one, and for many together. */
  nth: number | undefined
  count: Both
  ms: Both
  /** Time without the spans below: what this row itself adds to the difference. */
  selfMs: Both
}

export type Comparison = { rows: ComparedRow[]; cut: number }

const rowsMax = 300
const depthMax = 100
/** Up to so many spans of one name are matched one by one; more are one row. */
const oneByOne = 5

type Tree = { childrenOf: Map<string, RecordedSpan[]>; roots: RecordedSpan[]; seen: Set<string> }

const idOf = (span: RecordedSpan) => span.spanContext().spanId

function treeOf(spans: RecordedSpan[]): Tree {
  const sorted = spans.toSorted((one, other) => spanTimes(one).at - spanTimes(other).at)
  const ids = new Set(sorted.map(idOf))
  const childrenOf = new Map<string, RecordedSpan[]>()
  const roots: RecordedSpan[] = []
  for (const span of sorted) {
    const parent = span.parentSpanContext?.spanId
    if (parent === undefined || parent === idOf(span) || !ids.has(parent)) roots.push(span)
    else {
      const siblings = childrenOf.get(parent) ?? []
      childrenOf.set(parent, siblings)
      siblings.push(span)
    }
  }
  return { childrenOf, roots, seen: new Set() }
}

/** The spans below these. Each is taken once, so that spans that are each other's parents end. */
function below({ childrenOf, seen }: Tree, spans: RecordedSpan[]): RecordedSpan[] {
  return spans
    .flatMap((span) => childrenOf.get(idOf(span)) ?? [])
    .filter((span) => !seen.has(idOf(span)) && seen.add(idOf(span)))
}

const sqlOf = ({ attributes }: RecordedSpan) => {
  const text = attributes[ATTR_DB_QUERY_TEXT]
  return typeof text === 'string' ? text : undefined
}

const sumOf = (spans: RecordedSpan[]) =>
  spans.reduce((sum, span) => sum + Math.max(0, spanTimes(span).ms), 0)

type Group = [RecordedSpan[], RecordedSpan[]]

/** The spans of both traces by name, in the order of the first trace; what only the second has comes where it came there. */
function groupsOf(sides: Group): Group[] {
  const groups = new Map<string, Group>()
  const order: string[] = []
  for (const [side, spans] of sides.entries()) {
    let at = -1
    for (const span of spans) {
      const key = `${span.name}\n${sqlOf(span) ?? ''}`
      const known = groups.get(key) ?? [[], []]
      if (!groups.has(key)) {
        groups.set(key, known)
        order.splice(at + 1, 0, key)
        at += 1
      } else if (side === 1) at = order.indexOf(key)
      known[side]!.push(span)
    }
  }
  return order.map((key) => groups.get(key)!)
}

/** A group of few spans as pairs of the first, the second and so on. */
function pairsOf(group: Group): [pair: Group, nth: number | undefined][] {
  const [first, second] = group
  const most = Math.max(first.length, second.length)
  if (most > oneByOne) return [[group, undefined]]
  return Array.from({ length: most }, (_, index) => [
    [first.slice(index, index + 1), second.slice(index, index + 1)],
    most === 1 ? undefined : index + 1,
  ])
}

/** Compares the spans of two traces. */
export function compareTraces(first: RecordedSpan[], second: RecordedSpan[]): Comparison {
  const trees = [treeOf(first), treeOf(second)] as const
  const rows: ComparedRow[] = []
  let cut = 0
  const visit = (sides: Group, depth: number): void => {
    for (const group of groupsOf(sides)) {
      for (const [pair, nth] of pairsOf(group)) {
        const under: Group = [below(trees[0], pair[0]), below(trees[1], pair[1])]
        if (rows.length >= rowsMax) cut += 1
        else rows.push(rowOf(pair, under, { depth, nth }))
        if (depth < depthMax) visit(under, depth + 1)
        else cut += under[0].length + under[1].length
      }
    }
  }
  for (const tree of trees) for (const root of tree.roots) tree.seen.add(idOf(root))
  visit([trees[0].roots, trees[1].roots], 0)
  // Spans that are each other's parents hang below no root.
  for (const [side, spans] of [first, second].entries())
    cut += new Set(spans.map(idOf)).size - trees[side]!.seen.size
  return { rows, cut }
}

function rowOf(
  pair: Group,
  under: Group,
  { depth, nth }: Pick<ComparedRow, 'depth' | 'nth'>,
): ComparedRow {
  const one = pair[0][0] ?? pair[1][0]!
  const ms: Both = [sumOf(pair[0]), sumOf(pair[1])]
  return {
    name: one.name,
    sql: sqlOf(one),
    depth,
    nth,
    count: [pair[0].length, pair[1].length],
    ms,
    selfMs: [Math.max(0, ms[0] - sumOf(under[0])), Math.max(0, ms[1] - sumOf(under[1]))],
  }
}

/** How much a pair of values grew; negative when it shrank. */
export const growth = ([first, second]: Both): number => second - first

/** The rows whose own time changed most, by at least a tenth of a millisecond. */
export const mostChanged = ({ rows }: Comparison, count: number): ComparedRow[] =>
  rows
    .filter(({ selfMs }) => Math.abs(growth(selfMs)) >= 0.1)
    .toSorted((one, other) => Math.abs(growth(other.selfMs)) - Math.abs(growth(one.selfMs)))
    .slice(0, count)
