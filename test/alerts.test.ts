// The rules in observability/mimir/rules, their runbooks, and their unit tests (test/alerts/), which the real promtool runs. Debian
// has it in the package `prometheus`.
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'
import { fileURLToPath } from 'node:url'

import { stringify } from 'yaml'

import { metricsIn, metricsOfDocs } from '../bin/telemetry/dashboards.ts'
import { rows } from './http-table.ts'
import { scratch } from './process.ts'
import { has, run } from './programs.ts'
import { alertsOf, faults, readRules, recordedNames, ruleFiles, type Rule } from './rules.ts'
import { at, readYaml, type Yaml } from './yaml.ts'

const root = fileURLToPath(new URL('../', import.meta.url))
const read = (path: string) => readFileSync(root + path, 'utf8')
const rules = readRules()
const alerts = alertsOf(rules)
const names = alerts.map(({ alert }) => alert)
const suites = readdirSync(`${root}test/alerts`)
const matches = (text: string, pattern: RegExp) =>
  [...text.matchAll(pattern)].map(([, one]) => one!)

test('every alert has a severity, a summary, a description and the link to its runbook', () => {
  assert.equal(new Set(names).size, names.length)
  assert.ok(names.length >= 14)
  for (const { alert, labels, annotations } of alerts) {
    assert.match(labels?.['severity'] ?? '', /^(page|ticket)$/, alert)
    assert.ok(
      (annotations?.['summary'] ?? '').includes('{{ $'),
      `${alert}: what has happened where`,
    )
    assert.match(annotations?.['description'] ?? '', /\.$/, alert)
    assert.equal(annotations?.['runbook_url'], `/public/runbooks/${alert}.md`)
  }
})

test('runbooks, alerts and the table of docs/service-levels.md name the same alerts', () => {
  const pages = readdirSync(`${root}docs/runbooks`).map((file) => file.replace(/\.md$/, ''))
  assert.deepEqual(pages.sort(), [...names].sort())
  const table = [
    ...read('docs/service-levels.md').matchAll(/^\| \[(\w+)\]\(runbooks\/\1\.md\) \| (\w+) \|/gm),
  ].map(([, name, severity]) => `${name} ${severity}`)
  assert.deepEqual(
    table.sort(),
    alerts.map((one) => `${one.alert} ${one.labels!['severity']}`).sort(),
  )
  // Grafana serves the folder under the address of the links, and Mimir has the rules of its only tenant.
  assert.match(
    read('compose.yaml'),
    /\.\/docs\/runbooks:\/usr\/share\/grafana\/public\/runbooks:ro/,
  )
  const storage = at(readYaml(read('observability/mimir/mimir.yaml')), 'ruler_storage')
  assert.deepEqual(storage, {
    backend: 'local',
    local: { directory: '${MIMIR_RULES:-/etc/mimir/rules}' },
  })
  assert.match(read('compose.yaml'), /\.\/observability\/mimir:\/etc\/mimir:ro/)
})

for (const { alert, labels } of alerts) {
  test(`the runbook of ${alert} has a meaning, three commands, causes and a cure`, () => {
    const page = read(`docs/runbooks/${alert}.md`)
    assert.ok(page.startsWith(`# ${alert}\n\nSeverity: ${labels!['severity']}.\n`))
    const sections = matches(page, /^## (.+)$/gm)
    assert.deepEqual(sections, ['What it means', 'Look', 'Likely causes', 'Cure'])
    assert.equal(matches(page, /^ {4}# (.+)$/gm).length, 3, 'three commands')
    assert.ok(matches(page, /^\d\. (.+)$/gm).length >= 3, 'a cure')
    const causes = page.slice(page.indexOf('## Likely'), page.indexOf('## Cure'))
    const named = matches(causes, /\*\*(.+?)\*\*/g)
    assert.ok(causes.includes('\n- '))
    assert.deepEqual(
      named.filter((name) => !faults.includes(name)),
      [],
      'faults of the fault lab',
    )
    for (const link of matches(page, /\]\(([^)#]+)[^)]*\)/g))
      assert.ok(existsSync(`${root}docs/runbooks/${link}`), link)
  })
}

test('rules and runbooks name only metrics that exist', () => {
  const known = new Set([
    ...metricsOfDocs().flatMap((name) => [name, `${name}_bucket`, `${name}_count`, `${name}_sum`]),
    ...recordedNames(rules),
  ])
  const commands = names.flatMap((name) =>
    matches(read(`docs/runbooks/${name}.md`), /'query=(.+)'$/gm),
  )
  assert.ok(commands.length > 10)
  const used = [...rules.map(({ expr }) => expr), ...commands].flatMap(metricsIn)
  assert.deepEqual(
    [...new Set(used)].filter((name) => !known.has(name)),
    [],
  )
})

test('health checks, static files and streams do not count, all other routes do', () => {
  const excluded = new Set(
    rules.flatMap(({ expr }) => matches(expr, /\{[^}]*http_route!~"([^"]+)"[^}]*\}/g)),
  )
  assert.equal(excluded.size, 1, 'all rules leave out the same')
  const [pattern = ''] = excluded
  const out = new RegExp(`^(?:${pattern})$`)
  assert.ok(rows.length > 40)
  for (const { request, path, answers } of rows) {
    const isStream = answers.browser.includes('text/event-stream')
    assert.equal(out.test(path), isStream || /^\/(livez|readyz|static\/\*)$/.test(path), request)
  }
  assert.ok(!out.test(''), 'refusals at an unknown address have no route')
  for (const { expr } of rules)
    assert.doesNotMatch(expr, /http_route(=~"\.|!="")/, 'no rule asks for a route')
})

type Break = { it: string; text: string; instead: string; suite: string; tests: string }

// One test with parts, so that a machine without promtool reports one skipped test.
test('promtool accepts the rules, runs their unit tests, and notices rules broken on purpose', async (t) => {
  if (!has(t, 'promtool')) return
  await t.test('accepts the rules', () => {
    const { code, printed } = run('promtool', ['check', 'rules', ...ruleFiles()])
    assert.equal(code, 0, printed)
  })
  for (const suite of suites) {
    await t.test(`runs ${suite}`, () => {
      const { code, printed } = run('promtool', ['test', 'rules', `${root}test/alerts/${suite}`])
      assert.equal(code, 0, printed)
    })
  }
  await t.test('each alert has a case in which it fires: one that never fires is noticed', () => {
    const { printed } = broken(deaf, suites)
    const missed = matches(printed, /exp: ?(.+)/g).join('\n')
    for (const name of names)
      assert.ok(missed.includes(`alertname="${name}"`), `${name}\n${printed}`)
  })
  const breaks = readYaml(read('test/rule-breaks.yaml')) as Break[]
  for (const { it, text, instead, suite, tests } of breaks) {
    await t.test(`notices a rule that ${it}`, () => {
      const change = (source: string) => source.replaceAll(text, instead)
      const { code, printed } = broken(change, [`${suite}.yaml`], new RegExp(tests))
      assert.equal(code, 1, printed)
      assert.match(printed, /FAILED/)
    })
  }
})

/** Makes all alerts of a file silent. */
function deaf(text: string): string {
  const file = readYaml(text) as { groups: { rules: Rule[] }[] }
  for (const rule of file.groups.flatMap((group) => group.rules))
    if (rule.alert !== undefined) rule.expr = 'vector(0) > 1'
  return stringify(file)
}

/** Runs some of the unit tests on a changed copy of the rules. */
function broken(change: (source: string) => string, files: string[], tests = /./) {
  using place = scratch()
  const folder = `${place.folder}/rules`
  mkdirSync(folder)
  let changed = false
  for (const file of ruleFiles()) {
    const source = readFileSync(file, 'utf8')
    const copy = change(source)
    changed ||= copy !== source
    writeFileSync(`${folder}/${file.split('/').at(-1)}`, copy)
  }
  assert.ok(changed, 'nothing was broken: the text to replace is not in the rules')
  for (const file of files) {
    const suite = readYaml(read(`test/alerts/${file}`)) as { tests: { name: string }[] }
    const some = suite.tests.filter(({ name }) => tests.test(name))
    assert.ok(some.length > 0)
    const copy = { ...suite, rule_files: ['rules/*.yaml'], tests: some as unknown as Yaml[] }
    writeFileSync(`${place.folder}/${file}`, stringify(copy))
  }
  return run('promtool', ['test', 'rules', ...files.map((file) => `${place.folder}/${file}`)])
}
