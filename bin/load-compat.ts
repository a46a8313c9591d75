// `npm run load:compat`: scripts written for the original, against the built product on a fresh demo world. No failure
// is allowed, and no error in the log. Needs Python with `requests` and Locust (loadtest/README.md).
import { spawnSync } from 'node:child_process'

import { scratch, startServer } from '../test/process.ts'

const seconds = Number(process.argv[2] ?? 60)

function run(command: string, args: string[]): boolean {
  console.log(`\n# ${[command, ...args].join(' ')}`)
  return spawnSync(command, args, { stdio: 'inherit', timeout: (seconds + 90) * 1000 }).status === 0
}

const found = (command: string) =>
  spawnSync(command, ['--version'], { stdio: 'ignore' }).status === 0
if (!found('locust')) {
  console.error('locust is not on PATH: pip install -r loadtest/compat/requirements.txt')
  process.exit(2)
}
// Locust brings `requests`; its own Python has it.
const python = spawnSync('sh', ['-c', 'head -1 "$(command -v locust)" | sed "s/^#!//"'], {
  encoding: 'utf8',
}).stdout.trim()

using place = scratch()
const server = await startServer({
  DATABASE_URL: `file:${place.folder}/load.db`,
  PASSWORD_COST: '10',
  LOG_LEVEL: 'warn',
})
const common = ['--headless', '--only-summary', '--host', server.url, '--run-time', `${seconds}s`]
const passed = [
  run(python, [
    'loadtest/compat/clients.py',
    server.url,
    '--clients',
    '100',
    '--seconds',
    String(seconds),
  ]),
  run('locust', [
    '-f',
    'loadtest/compat/locustfile.py',
    ...common,
    '--users',
    '100',
    '--spawn-rate',
    '10',
  ]),
]
const code = await server.stop()
const errors = server
  .printed()
  .split('\n')
  .filter((line) => line.includes('"level":"error"'))
console.log(`\n${errors.length} error lines in the log, exit code ${code}`)
for (const line of errors.slice(0, 5)) console.log(line)
process.exit(passed.every(Boolean) && errors.length === 0 && code === 0 ? 0 : 1)
