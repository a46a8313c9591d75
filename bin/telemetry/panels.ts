// Checks that every query of every panel returns data, or says why not.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import { absentFields, countOf, exemplarsOf, metricNames, type Backends } from './backends.ts'
import {
  metricsIn,
  metricsOfDocs,
  queriesOf,
  queriesOfLinks,
  readDashboards,
  type Query,
} from './dashboards.ts'
import { metricsOfMissing, onlyAfterTrouble, whyNothing, type Missing } from './exceptions.ts'

const nameOf = ({ file, panel, refId }: Query) => `${file}: ${panel}, ${refId}`

const queries = (): Query[] => [
  ...readDashboards().flatMap(({ file, dashboard }) => queriesOf(file, dashboard)),
  ...queriesOfLinks(),
]

/** Repeats the queries that return nothing. Returns those that still do when the time is over. */
async function stillEmpty(wanted: Query[], backends: Backends, ms: number): Promise<Query[]> {
  let empty = wanted
  for (const giveUp = Date.now() + ms; ; await pause(2000)) {
    const counts = await Promise.all(
      empty.map((query) =>
        countOf(query, backends).catch((error: unknown) => {
          throw new Error(`${nameOf(query)}: ${query.expr}`, { cause: error })
        }),
      ),
    )
    empty = empty.filter((_, index) => counts[index] === 0)
    if (empty.length === 0 || Date.now() > giveUp) return empty
  }
}

const nothingIn = (empty: Query[], when: string) =>
  assert.deepEqual(
    empty.map((query) => `${nameOf(query)}: ${query.expr}`),
    [],
    `These queries return nothing ${when}.`,
  )

/** Checks the first look: what a stack shows after a minute in which nobody did anything. */
export async function proveFirstLook(backends: Backends, missing: Missing, ms: number) {
  const all = queries()
  const wanted = all.filter((query) => whyNothing(missing, query) === undefined)
  // What recording rules compute comes an interval or two after what they read. Their names have colons.
  const [direct, recorded] = [false, true].map((isRecorded) =>
    wanted.filter(
      (query) => metricsIn(query.expr).some((name) => name.includes(':')) === isRecorded,
    ),
  ) as [Query[], Query[]]
  nothingIn(await stillEmpty(direct, backends, ms), 'a minute after the start')
  nothingIn(await stillEmpty(recorded, backends, 120_000), 'three minutes after the start')
  const rules = recorded.length > 0 ? `, ${recorded.length} of them from recording rules` : ''
  return `${wanted.length} of ${all.length} queries return data${rules}`
}

/** Checks every panel after traffic of all kinds, its exemplars, and that everything that it names has been sent. */
export async function provePanels(
  backends: Backends,
  missing: Missing,
  say: (text: string) => void,
): Promise<void> {
  const all = queries()
  const excused = all.filter((query) => whyNothing(missing, query) !== undefined)
  const wanted = all.filter((query) => !excused.includes(query))
  if (backends.loki === undefined) {
    const logs = all.filter(({ uid }) => uid === 'loki')
    for (const query of logs)
      assert.deepEqual(absentFields(query.expr, backends), [], `${nameOf(query)}: never sent`)
    say(`${logs.length} LogQL queries name only labels and fields that were sent`)
  }
  nothingIn(await stillEmpty(wanted, backends, 120_000), 'after the traffic')
  const empty = await stillEmpty(excused, backends, 0)
  for (const query of empty)
    say(`no data, with a reason: ${nameOf(query)}: ${whyNothing(missing, query)}`)
  await proveNames(backends, missing, [
    ...metricsOfDocs(),
    ...all.filter(({ uid, kind }) => uid === 'mimir' && kind !== 'serviceMap').flatMap(metricsOf),
  ])
  const withExemplars = wanted.filter(({ exemplar }) => exemplar)
  for (const query of withExemplars)
    assert.notEqual((await exemplarsOf(query.expr, backends)).length, 0, nameOf(query))
  say(
    `${all.length - empty.length} of ${all.length} queries return data, ${withExemplars.length} of them with exemplars`,
  )
}

/** Checks that Grafana has read all dashboards. */
export async function proveProvisioning(grafana: string): Promise<void> {
  for (const { file, dashboard } of readDashboards()) {
    const answer = await fetch(`${grafana}/api/dashboards/uid/${dashboard.uid}`)
    await answer.body?.cancel()
    assert.equal(answer.status, 200, `Grafana does not have ${file}`)
  }
}

const metricsOf = ({ expr }: Query) => metricsIn(expr)

/** Checks that all these metrics exist, except those that exist only after a failure and those of missing programs. */
async function proveNames(backends: Backends, missing: Missing, names: string[]): Promise<void> {
  const there = new Set(await metricNames(backends))
  const excused = [...onlyAfterTrouble, ...metricsOfMissing(missing)]
  const absent = [...new Set(names)]
    .filter((name) => !there.has(name) && !there.has(`${name}_count`))
    .filter((name) => !excused.some((some) => some.test(name)))
  assert.deepEqual(absent, [], 'These metrics do not exist.')
}
