// Reads the rule files of observability/mimir/rules.
import { readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import { readYaml } from './yaml.ts'

/** A recording rule or an alert. */
export type Rule = {
  record?: string
  alert?: string
  expr: string
  labels?: Record<string, string>
  annotations?: Record<string, string>
}

/** The folder of Mimir's only tenant. */
export const rulesFolder = fileURLToPath(
  new URL('../observability/mimir/rules/anonymous', import.meta.url),
)

/** The paths of all files. */
export const ruleFiles = (): string[] =>
  readdirSync(rulesFolder).map((file) => `${rulesFolder}/${file}`)

/** All rules of all files. */
export const readRules = (): Rule[] =>
  ruleFiles().flatMap((file) => {
    const { groups } = readYaml(readFileSync(file, 'utf8')) as unknown as {
      groups: { rules: Rule[] }[]
    }
    return groups.flatMap(({ rules }) => rules)
  })

export const alertsOf = (rules: Rule[]): (Rule & { alert: string })[] =>
  rules.flatMap((rule) => (rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }]))

/** The names of the series that the rules make. */
export const recordedNames = (rules: Rule[]): string[] =>
  rules.flatMap(({ record }) => record ?? [])

/** The faults of the fault lab, by name. */
export const faults = [
  'errors',
  'latency',
  'N+1 on the timeline',
  'slow render',
  'cache off',
  'cut answers',
  'full scan',
  'held write lock',
  'slow commit',
  'WAL growth',
  'blocked event loop',
  'memory leak',
  'full password queue',
  'exporter unreachable',
  'broken propagation',
  'spans without parents',
  'high-cardinality route names',
  'sampling 1 %',
  'logs without trace ids',
  'skewed clock',
]
