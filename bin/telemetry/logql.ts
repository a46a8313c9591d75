// Reads a LogQL query with the grammar that Grafana's editor uses, for machines without Loki: what it selects, and every
// label and field that it names.
import { parser } from '@grafana/lezer-logql'

import type { LogLine } from './log-file.ts'

type Node = ReturnType<typeof parser.parse>['topNode']

type Test = (line: LogLine) => boolean
/** One stream selector with the stages behind it. */
export type Selection = {
  selects: Test
  stages: Test[]
  /** The labels and fields that it names outside of the selector, with those of its metric's grouping. */
  fields: string[]
}
export type ReadQuery = {
  selections: Selection[]
  /** The text of the first stage that this file cannot evaluate: then only grammar and names were checked. */
  notEvaluated: string | undefined
  /** `or vector(0)`: the query has a value without any line. */
  hasDefault: boolean
}

/** Names that Loki sets itself. */
const builtIn = new Set(['__error__', '__error_details__', '__line__', '__timestamp__'])

const find = (node: Node, name: string): Node[] => {
  const found: Node[] = []
  node.cursor().iterate((one) => {
    if (one.name === name) found.push(one.node)
  })
  return found
}

/** Reads a query. Throws a sentence when the grammar does not accept it. */
export function readLogQL(query: string): ReadQuery {
  const { topNode } = parser.parse(query)
  const text = ({ from, to }: { from: number; to: number }) => query.slice(from, to)
  topNode.cursor().iterate((node) => {
    if (node.type.isError)
      throw new Error(`LogQL does not accept "${text(node)}" at ${node.from} of: ${query}`)
  })
  let notEvaluated: string | undefined
  const reader = new Reader(text, (stage) => (notEvaluated ??= stage))
  const groupings = find(topNode, 'Grouping')
    .flatMap((one) => find(one, 'Identifier'))
    .map(text)
  const selections = find(topNode, 'Selector').map((selector) => {
    const whole = selector.parent ?? selector
    const selection = reader.selection(selector, whole)
    return { ...selection, fields: named([...selection.fields, ...groupings]) }
  })
  return { selections, notEvaluated, hasDefault: find(topNode, 'VectorExpr').length > 0 }
}

const named = (names: string[]) => [...new Set(names)].filter((name) => !builtIn.has(name))

type Text = (node: Node) => string

class Reader {
  readonly #text: Text
  readonly #cannot: (stage: string) => void

  constructor(text: Text, cannot: (stage: string) => void) {
    this.#text = text
    this.#cannot = cannot
  }

  /** `whole` holds the selector, its pipeline and, in a metric, `unwrap`. */
  selection(selector: Node, whole: Node): Selection {
    const matchers = find(selector, 'Matcher').map((one) => this.#matcher(one, 'labels'))
    const fields: string[] = []
    const stages: Test[] = []
    let isFormatted = false
    const stageNodes = [...find(whole, 'PipelineStage'), ...find(whole, 'UnwrapExpr')].sort(
      (one, other) => one.to - other.to,
    )
    for (const stage of stageNodes) {
      const format = stage.name === 'PipelineStage' && find(stage, 'LineFormatExpr')[0]
      if (format) {
        isFormatted = true
        fields.push(...fieldsOfTemplate(this.#string(format)))
      } else stages.push(this.#stage(stage, isFormatted, fields))
    }
    return { selects: (line) => matchers.every((test) => test(line)), stages, fields }
  }

  #stage(stage: Node, isFormatted: boolean, fields: string[]): Test {
    const direct = (name: string) => find(stage, name)
    fields.push(...[...direct('LabelFilter'), stage].flatMap((one) => this.#namesIn(one)))
    const filters = direct('LineFilter').map((one) => this.#lineFilter(one, isFormatted))
    const labels = direct('Matcher').map((one) => this.#matcher(one, 'all'))
    const numbers = direct('NumberFilter').map((one) => this.#number(one))
    const unwrapped = stage.name === 'UnwrapExpr' ? [this.#unwrap(stage)] : []
    const tests = [...filters, ...labels, ...numbers, ...unwrapped]
    if (tests.length === 0 || direct('And').length + direct('Or').length > 0)
      this.#cannot(this.#text(stage))
    return (line) => tests.every((test) => test(line))
  }

  #namesIn = (node: Node) => find(node, 'Identifier').map(this.#text)

  #string(node: Node): string {
    const literal = this.#text(find(node, 'String').at(-1)!)
    return literal.startsWith('`') ? literal.slice(1, -1) : (JSON.parse(literal) as string)
  }

  /** A matcher of the selector sees only a stream's labels, as in Loki; one of a stage sees the fields of the line, too. */
  #matcher(node: Node, where: 'labels' | 'all'): Test {
    const [name = ''] = this.#namesIn(node)
    const wanted = this.#string(node)
    const isRegExp = find(node, 'Re').length + find(node, 'Nre').length > 0
    const isNegative = find(node, 'Neq').length + find(node, 'Nre').length > 0
    const pattern = isRegExp ? toRegExp(`^(?:${wanted})$`) : undefined
    return ({ labels, fields }) => {
      if (builtIn.has(name)) return true
      const value = labels[name] ?? (where === 'all' ? fields[name] : undefined) ?? ''
      return (pattern ? pattern.test(value) : value === wanted) !== isNegative
    }
  }

  #number(node: Node): Test {
    const [name = ''] = this.#namesIn(node)
    const [, sign = '', number = ''] = /([<>=!]=?)\s*(-?[\d.]+)$/.exec(this.#text(node)) ?? []
    const compare = comparisons[sign]
    if (!compare) this.#cannot(this.#text(node))
    return ({ fields }) => compare?.(Number(fields[name]), Number(number)) ?? true
  }

  #unwrap(node: Node): Test {
    const name = this.#namesIn(node)[0] ?? ''
    return ({ fields }) => fields[name] !== undefined && !Number.isNaN(Number(fields[name]))
  }

  /** A filter behind `line_format` sees the formatted line, which is not made here. */
  #lineFilter(node: Node, isFormatted: boolean): Test {
    const sign = this.#text(find(node, 'Filter')[0]!)
    const wanted = this.#string(node)
    const pattern = sign.endsWith('~') ? toRegExp(wanted) : undefined
    const holds = (text: string) => (pattern ? pattern.test(text) : text.includes(wanted))
    if (isFormatted) {
      if (!holds('')) this.#cannot(this.#text(node))
      return () => true
    }
    return ({ line }) => holds(line) !== sign.startsWith('!')
  }
}

const comparisons: Record<string, (one: number, other: number) => boolean> = {
  '>': (one, other) => one > other,
  '>=': (one, other) => one >= other,
  '<': (one, other) => one < other,
  '<=': (one, other) => one <= other,
  '=': (one, other) => one === other,
  '==': (one, other) => one === other,
  '!=': (one, other) => one !== other,
}

/** Loki writes flags at the start of a pattern, JavaScript beside it. */
function toRegExp(pattern: string): RegExp {
  const [, head = '', flags = '', rest = ''] = /^(\^\(\?:)?(?:\(\?([ims]+)\))?(.*)$/s.exec(pattern)!
  return new RegExp(head + rest, `${flags}u`)
}

/** The fields that a template of `line_format` names: `{{.url_path}}`. */
const fieldsOfTemplate = (template: string): string[] =>
  [...template.matchAll(/\{\{(.*?)\}\}/gs)].flatMap(([, action]) =>
    [...action!.replaceAll(/"[^"]*"/g, '').matchAll(/(?<![\w)])\.([A-Za-z_]\w*)/g)].map(
      ([, name]) => name!,
    ),
  )
