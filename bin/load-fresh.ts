// Load against the built program with a new demo world: no failure is allowed, and no error in its log. `npm run
// load:compat -- SECONDS` runs the Locust classes of the original application; `npm run load:ci -- SECONDS` the smoke
// test and both mixes, with all answers checked. Needs Locust and k6 (loadtest/README.md).
import { spawnSync } from 'node:child_process'

import { scratch, startServer } from '../test/process.ts'
import { cures, isInstalled } from './load-generators.ts'

const kind = process.argv[2]
const seconds = process.argv[3] ?? '60'

/** No p95 limit is below this: on a shared machine, a lower limit would only measure how busy the machine is. */
const patience = '--patience 2000'

const command = (program: string, words: string) => [program, ...words.split(' ')]

const compat = (target: string) => [
  command(
    'locust',
    `-f loadtest/locust/original.py --headless --only-summary --host ${target} --run-time ${seconds}s --users 100 --spawn-rate 10`,
  ),
]

const load = (words: string) => command(process.execPath, `--import tsx bin/load.ts ${words}`)

const ci = (target: string) => {
  // Not all at once: each sign-in needs a core for a moment, and so do the generator and other programs.
  const users = '--users 30 --spawn 2'
  const common = `--target ${target} --seconds ${seconds} ${patience}`
  return [
    load(`k6 --smoke ${common}`),
    load(`locust --mix original ${users} ${common}`),
    load(`locust --mix realistic ${users} ${common}`),
  ]
}

function run(words: string[]): boolean {
  const line = words.join(' ').replace(process.execPath, 'node')
  console.log(`\n# ${line}`)
  const [program = '', ...args] = words
  const { status } = spawnSync(program, args, {
    stdio: 'inherit',
    timeout: (Number(seconds) + 120) * 1000,
  })
  if (status !== 0) console.error(`Failed (${status ?? 'no end'}): ${line}`)
  return status === 0
}

function usage(sentence: string): never {
  console.error(sentence)
  process.exit(2)
}

if ((kind !== 'compat' && kind !== 'ci') || !/^[1-9]\d*$/.test(seconds))
  usage('npm run load:compat -- SECONDS, or npm run load:ci -- SECONDS.')
for (const generator of kind === 'ci' ? (['locust', 'k6'] as const) : (['locust'] as const))
  if (!isInstalled(generator)) usage(`${generator} is not on PATH: ${cures[generator]}`)

using place = scratch()
const server = await startServer({
  DATABASE_URL: `file:${place.folder}/load.db`,
  PASSWORD_COST: '10',
  LOG_LEVEL: 'warn',
})
const passed = (kind === 'ci' ? ci : compat)(server.url).map(run)
const code = await server.stop()
const errors = server
  .printed()
  .split('\n')
  .filter((line) => line.includes('"level":"error"'))
console.log(`\n${errors.length} error lines in the log, exit code ${code}`)
for (const line of errors.slice(0, 5)) console.log(line)
process.exit(passed.every(Boolean) && errors.length === 0 && code === 0 ? 0 : 1)
