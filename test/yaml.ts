import { parse } from 'yaml'

export type Yaml = string | number | boolean | null | Yaml[] | { [key: string]: Yaml }

/** The value of a whole file, anchors and `<<` resolved. */
export const readYaml = (source: string): Yaml => parse(source, { merge: true }) as Yaml

/** A value inside of another one: `at(config, 'exporters', 'debug')`; undefined when there is none. */
export function at(value: Yaml | undefined, ...path: (string | number)[]): Yaml | undefined {
  let inner = value
  for (const key of path) {
    if (typeof inner !== 'object' || inner === null) return undefined
    inner = Array.isArray(inner) ? inner[Number(key)] : inner[key]
  }
  return inner
}

/** The names in a map; none of what is not one. */
export const keysOf = (value: Yaml | undefined): string[] =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? Object.keys(value) : []
