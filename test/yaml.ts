import { parse } from 'yaml'

export type Yaml = string | number | boolean | null | Yaml[] | { [key: string]: Yaml }

/** Parses a file, with anchors and `<<` resolved. */
export const readYaml = (source: string): Yaml => parse(source, { merge: true }) as Yaml

/** A nested value: `at(config, 'exporters', 'debug')`; undefined if there is none. */
export function at(value: Yaml | undefined, ...path: (string | number)[]): Yaml | undefined {
  let inner = value
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null) return undefined
    inner = Array.isArray(inner) ? inner[Number(key)] : inner[key]
  }
  return inner
}

/** The keys of a map; empty if the value is not a map. */
export const keysOf = (value: Yaml | undefined): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
