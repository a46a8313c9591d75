// `npm run load`: the users of loadtest/ against a Tracewren, with k6 or Locust. loadtest/README.md says how to read
// it.
import { parseArgs } from 'node:util'

import {
  cures,
  isInstalled,
  mixes,
  runGenerator,
  shapes,
  type Load,
  type Outcome,
} from './load-generators.ts'
import { problemOfTarget } from './load-target.ts'

const usage = `npm run load -- [k6 | locust] [options]

  --target URL     a running Tracewren                        http://127.0.0.1:5000
  --mix NAME       realistic or original                      realistic
  --users N        how many at the peak                       50
  --spawn N        how many come each second                  5
  --seconds N      how long                                   60
  --shape NAME     ramp, spike or soak, instead of --seconds
  --smoke          k6: every screen and action, checked       (npm run load:k6 -- --smoke)
  --web            Locust: its page on port 8089              (npm run load:locust -- --web)
  --patience MS    no p95 limit is below it, for busy machines
  --out FILE       where the numbers go                       .cache/load/k6.json, locust.json

OTEL_EXPORTER_OTLP_ENDPOINT=http://127.0.0.1:4318 makes the generator's own requests the roots of the traces.`

async function main(): Promise<number> {
  const { values, positionals } = wordsOf(process.argv.slice(2))
  if (values.help) return say(usage)
  const load = loadOf(values)
  const generator = generatorOf(positionals, load)
  // The web page of Locust has a field for the target.
  const problem = load.web ? undefined : await problemOfTarget(load.target)
  if (problem !== undefined) throw new Error(problem)
  const outcome = await runGenerator(generator, load)
  if (!load.web) await tell(load.target, outcome)
  return outcome.code
}

/** Prints the exceeded limits, links to the slowest requests, and the path of the numbers. */
async function tell(target: string, outcome: Outcome): Promise<void> {
  const { code, rows, crossed, file } = outcome
  if (Object.keys(rows).length === 0)
    throw new Error('Nothing was counted, so nothing can be judged.')
  for (const sentence of crossed) console.log(`Threshold crossed: ${sentence}`)
  if (code === 0) console.log('All answers were right, all thresholds were kept.')
  else if (crossed.length === 0) console.log(`It ended with ${code}: see what it says above.`)
  await tellTraces(target, outcome)
  console.log(`The numbers lie in ${file}.`)
}

/** Parses the command line; refuses an unknown option with a sentence. */
function wordsOf(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    throw new Error(`${sentence}. npm run load -- --help lists them all.`, { cause: error })
  }
}

function say(text: string): number {
  console.log(text)
  return 0
}

const options = {
  target: { type: 'string', default: 'http://127.0.0.1:5000' },
  mix: { type: 'string', default: 'realistic' },
  users: { type: 'string', default: '50' },
  spawn: { type: 'string', default: '5' },
  seconds: { type: 'string', default: '60' },
  shape: { type: 'string', default: '' },
  patience: { type: 'string', default: '0' },
  out: { type: 'string', default: '' },
  smoke: { type: 'boolean', default: false },
  web: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

type Values = {
  [name in keyof typeof options]: (typeof options)[name]['type'] extends 'boolean'
    ? boolean
    : string
}

function loadOf(values: Values): Load {
  const target = values.target.replace(/\/$/, '')
  if (!/^https?:\/\/[^/?#@\s]+$/.test(target) || !URL.canParse(target))
    throw new Error(
      `--target is "${values.target}", but it must be an address such as http://127.0.0.1:5000.`,
    )
  const known = <T extends string>(option: 'mix' | 'shape', names: T[]): T => {
    const found = names.find((name) => name === values[option])
    if (found !== undefined) return found
    throw new Error(`--${option} is "${values[option]}", but there are: ${names.join(', ')}.`)
  }
  const whole = (option: 'users' | 'spawn' | 'seconds' | 'patience', least = 1) => {
    if (/^\d{1,7}$/.test(values[option]) && Number(values[option]) >= least)
      return Number(values[option])
    const above = least > 0 ? ' above 0' : ''
    throw new Error(`--${option} is "${values[option]}", but it must be a whole number${above}.`)
  }
  if (values.smoke && values.web)
    throw new Error('--smoke is for k6 and --web for Locust: one of them.')
  return {
    target,
    mix: known('mix', Object.keys(mixes) as (keyof typeof mixes)[]),
    shape: values.shape === '' ? '' : known('shape', shapes),
    users: whole('users'),
    spawn: whole('spawn'),
    seconds: whole('seconds'),
    patience: whole('patience', 0),
    smoke: values.smoke,
    web: values.web,
    out: values.out,
  }
}

const generators = ['k6', 'locust'] as const
type Generator = (typeof generators)[number]
const isGenerator = (word: string): word is Generator => Object.hasOwn(cures, word)

function generatorOf(words: string[], { smoke, web }: Load): Generator {
  const only = smoke ? 'k6' : web ? 'locust' : ''
  const [asked = only, ...more] = words
  if (more.length > 0)
    throw new Error(
      `"${more[0]}" is one word too many. Options follow two dashes: npm run load -- --users 100`,
    )
  if (asked !== '' && !isGenerator(asked))
    throw new Error(
      `There is no generator "${asked}": k6 or locust. Options follow two dashes: npm run load -- --users 100`,
    )
  if (only !== '' && asked !== only)
    throw new Error(smoke ? '--smoke is for k6 alone.' : '--web is for Locust alone.')
  const found = (asked === '' ? generators : [asked]).find(isInstalled)
  if (found !== undefined) return found
  if (asked !== '') throw new Error(`${asked} is not on PATH: ${cures[asked]}`)
  throw new Error(
    `Neither k6 nor locust is on PATH. For k6, ${cures.k6} For Locust, ${cures.locust}`,
  )
}

/** Prints the five slowest requests with links to their traces. */
async function tellTraces(target: string, { slowest }: Outcome): Promise<void> {
  if (slowest.length === 0) {
    console.log(
      'No answer named a trace: the target does not trace. INSPECT=1 or OTEL_EXPORTER_OTLP_ENDPOINT switches it on there.',
    )
    return
  }
  const isThere = await fetch(`${target}/traces/${slowest[0]!.trace}`).then(
    (answer) => answer.ok,
    () => false,
  )
  console.log('The slowest requests and their traces:')
  for (const { ms, name, trace } of slowest) {
    const where = isThere ? `${target}/traces/${trace}` : trace
    console.log(`${String(ms).padStart(8)} ms  ${name.padEnd(30)}  ${where}`)
  }
  console.log(
    isThere
      ? `All traces: ${target}/traces (the newest 1,000), and the backend that the target exports to.`
      : 'Look for these ids in the backend that the target exports to (OTEL_EXPORTER_OTLP_ENDPOINT there).',
  )
}

try {
  process.exit(await main())
} catch (error) {
  if (!(error instanceof Error)) throw error
  console.error(error.message)
  process.exit(2)
}
