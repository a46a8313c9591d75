// Reads the queries of the dashboards from their files, so that the test runs exactly what Grafana shows.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

export type Target = {
  refId: string
  datasource: { type: string; uid: string }
  expr?: string
  query?: string
  legendFormat?: string
  instant?: boolean
  range?: boolean
  exemplar?: boolean
  queryType?: string
}
export type Panel = {
  id: number
  type: string
  title: string
  description?: string
  datasource?: { type: string; uid: string }
  gridPos: { x: number; y: number; w: number; h: number }
  fieldConfig?: { defaults: { unit?: string; noValue?: string }; overrides: Override[] }
  targets?: Target[]
  /** The panels of a collapsed row. */
  panels?: Panel[]
}
export type Override = {
  matcher: { id: string; options: string }
  properties: { id: string; value: unknown }[]
}
export type Variable = {
  name: string
  type: string
  label: string
  description: string
  query: string | { query: string }
  datasource?: { uid: string }
}
export type Dashboard = {
  uid: string
  title: string
  description: string
  schemaVersion: number
  panels: Panel[]
  templating: { list: Variable[] }
}

/** One query of a panel, or of a variable (its `panel` is `$name`). */
export type Query = {
  file: string
  panel: string
  refId: string
  uid: string
  kind: 'range' | 'instant' | 'values' | 'traceql' | 'serviceMap'
  expr: string
  exemplar: boolean
  /** What the panel shows instead of data, when it may be empty. */
  noValue?: string
}

const folder = fileURLToPath(new URL('../../observability/grafana/dashboards/', import.meta.url))

/** All dashboards, each with its file name. */
export const readDashboards = (): { file: string; dashboard: Dashboard }[] =>
  readdirSync(folder)
    .filter((file) => file.endsWith('.json'))
    .sort()
    .map((file) => ({
      file,
      dashboard: JSON.parse(readFileSync(folder + file, 'utf8')) as Dashboard,
    }))

export const textOf = ({ query }: Variable): string =>
  typeof query === 'string' ? query : query.query

/** All queries of a dashboard: of its panels and of its variables. */
export function queriesOf(file: string, { panels, templating }: Dashboard): Query[] {
  const ofVariables = templating.list
    .filter(({ type }) => type === 'query')
    .map((variable) => ({
      file,
      panel: `$${variable.name}`,
      refId: 'A',
      uid: variable.datasource?.uid ?? '',
      kind: 'values' as const,
      expr: textOf(variable),
      exemplar: false,
    }))
  const inRows = panels.flatMap((panel) => [panel, ...(panel.panels ?? [])])
  const ofPanels = inRows.flatMap(({ title, targets = [], fieldConfig }) =>
    targets.map((target) => ({
      file,
      panel: title,
      refId: target.refId,
      uid: target.datasource.uid,
      kind: kindOf(target),
      expr: target.expr ?? target.query ?? '',
      exemplar: target.exemplar === true,
      ...(fieldConfig?.defaults.noValue && { noValue: fieldConfig.defaults.noValue }),
    })),
  )
  return [...ofVariables, ...ofPanels]
}

function kindOf({ queryType, instant }: Target): Query['kind'] {
  if (queryType === 'traceql' || queryType === 'serviceMap') return queryType
  return instant === true || queryType === 'instant' ? 'instant' : 'range'
}

/** The metric names in a PromQL text: words with an underscore that are neither functions nor labels. */
export function metricsIn(promql: string): string[] {
  const bare = promql
    .replace(/^label_values\((.*), \w+\)$/, '$1')
    .replaceAll(/"[^"]*"/g, '""')
    .replaceAll(/\{[^}]*\}/g, '')
    .replaceAll(/\[[^\]]*\]/g, '')
    .replaceAll(/\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)/g, '')
  const words = bare.match(/[a-zA-Z_:][\w:]*(?!\w|\s*\()/g) ?? []
  return [...new Set(words.filter((word) => word.includes('_') && !word.startsWith('__')))]
}

const datasources = fileURLToPath(
  new URL('../../observability/grafana/provisioning/datasources/tracewren.yaml', import.meta.url),
)

/** The queries behind a span's links to metrics. Grafana replaces `$__tags` with labels from the span's resource. */
export const queriesOfLinks = (): Query[] =>
  [...readFileSync(datasources, 'utf8').matchAll(/- name: (.+)\n\s+query: '(.+)'$/gm)].map(
    ([, name, text]) => ({
      file: 'datasources/tracewren.yaml',
      panel: name!,
      refId: 'A',
      uid: 'mimir',
      kind: 'range',
      expr: text!.replaceAll('$$__tags', 'service_name="$app"'),
      exemplar: false,
    }),
  )

/** The query behind a span's link to logs. */
export function logsOfTrace(traceId: string): string {
  const [, query = ''] =
    /tracesToLogsV2:\n(?: {8}.*\n)*? {8}query: '(.+)'\n/.exec(readFileSync(datasources, 'utf8')) ??
    []
  return query.replace('$${__trace.traceId}', traceId)
}

/** The metric names in Mimir that docs/telemetry-names.md lists; those of histograms have no suffix there. */
export const metricsOfDocs = (): string[] => {
  const page = readFileSync(new URL('../../docs/telemetry-names.md', import.meta.url), 'utf8')
  return [...page.matchAll(/^\| `[\w.]+` \|[^|]*\|[^|]*\| `(\w+_\w+)` \|/gm)].map(
    ([, name]) => name!,
  )
}
