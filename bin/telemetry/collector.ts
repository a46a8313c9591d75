// Starts the real Collector with config.yaml and with as much of contrib.yaml as its build has the components for.
import { execFileSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

import { parse, stringify } from 'yaml'

import { onPath, type Programs } from './programs.ts'

type Pipeline = { receivers?: string[]; processors?: string[]; exporters?: string[] }
type Config = {
  receivers: Record<string, unknown>
  processors: Record<string, unknown>
  connectors: Record<string, unknown>
  extensions: Record<string, unknown>
  exporters?: Record<string, unknown>
  service: { extensions: string[]; pipelines: Record<string, Pipeline> }
}
type Scrape = {
  config: {
    scrape_configs: { static_configs: object[]; metric_relabel_configs: { regex: string }[] }[]
  }
}

/** What contrib.yaml asks for and this build of the Collector does not have, such as `prometheus`. */
export type Lacking = Set<string>

const read = () => parse(readFileSync('observability/collector/contrib.yaml', 'utf8')) as Config

/** The names of the metrics that contrib.yaml keeps of what it scrapes from the backends. */
export const scraped = (): RegExp => {
  const { scrape_configs } = (read().receivers['prometheus'] as Scrape).config
  return new RegExp(`^(?:${scrape_configs[0]!.metric_relabel_configs[0]!.regex})$`)
}

/** The names of the components of the Collector on PATH. */
function componentsOfBuild(): Set<string> {
  const printed = execFileSync(onPath('otelcol')!, ['components'], { encoding: 'utf8' })
  return new Set([...printed.matchAll(/^\s+- name: (\S+)/gm)].map(([, name]) => name!))
}

/** Older builds have the receiver of the host's metrics only under its old name. */
const oldNames: Record<string, string> = { host_metrics: 'hostmetrics' }

const kindOf = (name: string) => name.split('/')[0]!

export type Places = {
  /** Where the backends of this run are, as addresses without a scheme, to scrape them. */
  targets: string[]
  /** A file for all log records, when Loki does not run. */
  logFile: string | undefined
}

/** Writes contrib.yaml for this build to `file`. Returns what had to be left out. */
export function writeContrib(file: string, { targets, logFile }: Places): Lacking {
  const known = componentsOfBuild()
  const lacking: Lacking = new Set()
  const contrib = read()
  const has = (name: string) => known.has(kindOf(name)) || known.has(oldNames[kindOf(name)] ?? '')
  const renamed = (name: string) => (known.has(kindOf(name)) ? name : (oldNames[name] ?? name))
  for (const kind of ['receivers', 'processors', 'connectors', 'extensions'] as const)
    contrib[kind] = Object.fromEntries(
      Object.entries(contrib[kind]).flatMap(([name, value]) => {
        if (has(name)) return [[renamed(name), value]]
        lacking.add(name)
        return []
      }),
    )
  const kept = (names: string[]) => names.filter((name) => !lacking.has(name)).map(renamed)
  const pipelines = Object.entries(contrib.service.pipelines).flatMap(([name, pipeline]) => {
    const lists = Object.entries(pipeline).map(([list, names]) => [list, kept(names)] as const)
    return lists.some(([, names]) => names.length === 0) ? [] : [[name, Object.fromEntries(lists)]]
  })
  contrib.service.pipelines = Object.fromEntries(pipelines) as Record<string, Pipeline>
  const scrape = contrib.receivers['prometheus'] as Scrape | undefined
  if (scrape) scrape.config.scrape_configs[0]!.static_configs = [{ targets }]
  if (logFile !== undefined) keepLogs(contrib, logFile)
  writeFileSync(file, stringify(contrib))
  return lacking
}

/** Adds a file to the exporters of all logs; what the shipped files export to stays. */
function keepLogs(contrib: Config, path: string): void {
  contrib.exporters = { file: { path, flush_interval: '1s' } }
  const { pipelines } = contrib.service
  pipelines['logs'] = { exporters: ['otlp_http/loki'] }
  for (const [name, pipeline] of Object.entries(pipelines))
    if (kindOf(name) === 'logs') pipeline.exporters = [...(pipeline.exporters ?? []), 'file']
}

type Start = Places & {
  folder: string
  env: Record<string, string>
  ready: string
}

/** Starts the Collector. Returns what its build lacks of contrib.yaml. */
export async function startCollector(programs: Programs, start: Start): Promise<Lacking> {
  const contrib = join(start.folder, 'contrib.yaml')
  const lacking = writeContrib(contrib, start)
  await programs.start({
    name: 'otelcol',
    args: ['--config=observability/collector/config.yaml', `--config=${contrib}`],
    env: start.env,
    ready: start.ready,
  })
  return lacking
}
