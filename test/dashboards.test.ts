// The dashboards and the page of names, without Grafana: what can be wrong in them by itself. `npm run test:telemetry`
// asks the real Mimir and Loki.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { describe, it } from 'node:test'
import { fileURLToPath } from 'node:url'

import * as conventions from '@opentelemetry/semantic-conventions'

import { filled } from '../bin/telemetry/backends.ts'
import {
  metricsIn,
  metricsOfDocs,
  queriesOf,
  readDashboards,
  type Panel,
} from '../bin/telemetry/dashboards.ts'
import { readRules, recordedNames } from './rules.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const read = (file: string) => readFileSync(root + file, 'utf8')
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, one]) => one!)

const provisioning = `${root}observability/grafana/provisioning/`
const provisioned = readdirSync(provisioning, { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.ya?ml$/.test(file))
  .map((file) => readFileSync(provisioning + file, 'utf8'))
  .join('\n')
const datasources = new Set(matches(provisioned, /^ {4}uid: (\S+)/gm))
const names = read('docs/telemetry-names.md')
const dashboards = readDashboards()

/** The panel types of Grafana 13 that our dashboards use. */
const panelTypes = 'row stat timeseries bargauge table logs nodeGraph'.split(' ')
const units = 'reqps ops cps percentunit s bytes none short'.split(' ')
/** Panel types without a unit: they show text, or have a unit for each column. */
const unitless = new Set(['row', 'logs', 'nodeGraph', 'table'])
const ofGrafana = new Set(
  '__all __rate_interval __interval __range __auto __from __to __value __data'.split(' '),
)

const overlap = (one: Panel, other: Panel) => {
  const [a, b] = [one.gridPos, other.gridPos]
  return a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h
}

describe('the dashboards', () => {
  it('are these four, each with a unique id', () => {
    assert.deepEqual(
      dashboards.map(({ file }) => file),
      ['database.json', 'home.json', 'pipeline.json', 'service-levels.json'],
    )
    assert.equal(new Set(dashboards.map(({ dashboard }) => dashboard.uid)).size, 4)
    // The uid of the original application's dashboard.
    assert.equal(dashboards[1]!.dashboard.uid, 'opentelemetry-apm')
  })

  for (const { file, dashboard } of dashboards) {
    const { panels, templating } = dashboard
    const variables = new Set(templating.list.map(({ name }) => name))

    it(`${file}: fits the grid, each panel with a title, a description and a unit`, () => {
      assert.equal(dashboard.schemaVersion, 42)
      assert.ok(dashboard.title && dashboard.description)
      assert.equal(new Set(panels.map(({ id }) => id)).size, panels.length)
      for (const [index, panel] of panels.entries()) {
        const { title, type, gridPos, description = '', fieldConfig } = panel
        assert.ok(panelTypes.includes(type), `${title}: ${type}`)
        assert.ok(title !== '' && gridPos.x + gridPos.w <= 24 && gridPos.h > 0, title)
        const under = panels.slice(index + 1).find((other) => overlap(panel, other))
        assert.equal(under?.title, undefined, `${title} covers it`)
        if (type !== 'row') assert.match(description, /\.$/, title)
        if (!unitless.has(type)) assert.ok(units.includes(fieldConfig?.defaults.unit ?? ''), title)
      }
    })

    it(`${file}: uses provisioned datasources, each query with a unique letter`, () => {
      for (const { title, datasource, targets = [], type } of panels) {
        if (type === 'row') continue
        assert.ok(targets.length > 0, title)
        assert.equal(new Set(targets.map(({ refId }) => refId)).size, targets.length, title)
        for (const one of [datasource, ...targets.map((target) => target.datasource)])
          assert.ok(one && datasources.has(one.uid), `${title}: ${one?.uid}`)
      }
      for (const { name, label, description, type, datasource } of templating.list) {
        assert.ok(label && description, name)
        if (type === 'query') assert.ok(datasources.has(datasource?.uid ?? ''), name)
      }
    })

    it(`${file}: defines the variables that it uses, and no others`, () => {
      const text = JSON.stringify(dashboard)
      const used = new Set(matches(text, /\$\{?(\w+)/g))
      const unknown = [...used].filter((name) => !variables.has(name) && !ofGrafana.has(name))
      assert.deepEqual(unknown, [])
      assert.deepEqual(
        [...variables].filter((name) => !used.has(name)),
        [],
      )
      for (const { expr } of queriesOf(file, dashboard)) assert.ok(!filled(expr).includes('$'))
      assert.ok(!text.includes('$$'), 'a dashboard is no provisioning: $$ would stay $$')
    })

    it(`${file}: opens traces by links that Grafana can read`, () => {
      for (const url of matches(JSON.stringify(dashboard), /"url":"(\/explore[^"]+)"/g)) {
        const panes = new URL(url, 'http://grafana').searchParams.get('panes')
        const [pane] = Object.values(
          JSON.parse(panes ?? '') as Record<string, { datasource: string }>,
        )
        assert.ok(datasources.has(pane?.datasource ?? ''), url)
      }
    })

    it(`${file}: shows exemplars where the Collector creates them`, () => {
      for (const { expr, exemplar, panel } of queriesOf(file, dashboard))
        if (exemplar) assert.match(expr, /traces_spanmetrics_duration_seconds_bucket/, panel)
    })
  }

  it('name only metrics that docs/telemetry-names.md lists or the rules make', () => {
    const listed = new Set([
      ...metricsOfDocs().flatMap((name) => [
        name,
        `${name}_bucket`,
        `${name}_count`,
        `${name}_sum`,
      ]),
      ...recordedNames(readRules()),
    ])
    const used = dashboards
      .flatMap(({ file, dashboard }) => queriesOf(file, dashboard))
      .filter(({ uid, kind }) => uid === 'mimir' && kind !== 'serviceMap')
      .flatMap(({ expr }) => metricsIn(expr))
    assert.ok(used.length > 50)
    assert.deepEqual(
      [...new Set(used)].filter((name) => !listed.has(name)),
      [],
    )
  })

  it('use metrics that metricsIn() finds in a query', () => {
    const query =
      'topk(8, sum by (le, a_b) (rate(x_y_bucket{a_c="d_e"}[$__rate_interval]))) or vector(0)'
    assert.deepEqual(metricsIn(query), ['x_y_bucket'])
  })
})

describe("Grafana's provisioning", () => {
  it('has the ids of the original application, and $$ where Grafana would expand a $', () => {
    for (const uid of ['mimir', 'loki', 'tempo']) assert.ok(datasources.has(uid), uid)
    const used = matches(provisioned, /(?:datasourceUid|DatasourceUid): (\S+)/g)
    assert.deepEqual(
      used.filter((uid) => !datasources.has(uid)),
      [],
    )
    const settings = provisioned.replaceAll(/^\s*#.*$/gm, '')
    assert.deepEqual(matches(settings, /((?<!\$)\$(?!\$).{0,20})/g), [])
  })
})

describe('docs/telemetry-names.md', () => {
  const sources = readdirSync(`${root}src`, { recursive: true, encoding: 'utf8' }).filter((file) =>
    /(?<!\.test)\.tsx?$/.test(file),
  )
  const code = sources.map((file) => read(`src/${file}`)).join('\n')
  const inTicks = new Set(matches(names, /`([^`]+)`/g))
  const constants = new Map<string, unknown>(Object.entries(conventions))
  /** The value of a literal, or of a constant of the semantic conventions. */
  const textOf = (written: string) =>
    written.startsWith("'") ? written.slice(1, -1) : String(constants.get(written))
  const missingFrom = (found: string[]) => [...new Set(found)].filter((name) => !inTicks.has(name))

  it('lists every handler span and every background span', () => {
    const handlers = matches(code, /(?:traced|inBackground)\('([\w.]+)'/g)
    assert.ok(handlers.length > 20)
    assert.doesNotMatch(code, /\btraced\((?!')/, 'a name that is put together cannot be looked for')
    assert.deepEqual(missingFrom(handlers), [])
  })

  it('lists every span of a piece of a request', () => {
    const pieces = matches(code, /(?:traceWait|waited|tracePast)\(\s*'([\w.]+)'/g)
    assert.ok(pieces.length >= 8)
    assert.deepEqual(missingFrom(pieces), [])
  })

  it('lists every metric of the app with its unit', () => {
    const made = [...code.matchAll(/\.create\w+\(('[\w.]+'|METRIC_\w+), \{\s*unit: '([^']+)'/g)]
    assert.ok(made.length > 9)
    for (const [, name, unit] of made)
      assert.match(names, new RegExp(`^\\| \`${textOf(name!)}\` \\|[^|]*\\| \`${unit}\` \\|`, 'm'))
  })

  it('lists every attribute', () => {
    const files = [
      'telemetry/spans.ts',
      'telemetry/query-tracing.ts',
      'http/request-span.ts',
      'http/request-attributes.ts',
      'features/timeline.tsx',
      'features/previews/queue.ts',
    ]
    const spans = files.map((file) => read(`src/${file}`))
    const attributes = matches(
      spans.join('\n'),
      /(ATTR_\w+|'(?:http|url|client|network|server|user_agent|user|error|app|db)\.[a-z_.]+')/g,
    )
    assert.ok(new Set(attributes).size > 25)
    assert.deepEqual(missingFrom(attributes.map(textOf)), [])
  })

  it('lists every log message', () => {
    const messages = matches(code, /\b(?:log|localLog)\.(?:debug|info|warn|error)\('([^']+)'/g)
    assert.ok(messages.length > 6)
    assert.deepEqual(missingFrom(messages), [])
  })
})
