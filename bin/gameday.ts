// `npm run gameday`: breaks a Tracewren in secret, for somebody to find out what it is. docs/gameday.md says how to play.
import { readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'

import { levels, usualWindow, type Level } from './gameday/draw.ts'
import { Game, type Wish } from './gameday/game.ts'
import { playAll } from './gameday/play.ts'
import { serveGame } from './gameday/server.ts'
import { generators, usualGenerator, type Generator } from './gameday/traffic.ts'

const usage = `npm run gameday [-- options]
npm run gameday -- stop

  --seed N         the same seed and level are the same mystery again     drawn
  --level 1|2|3    1: leaps to the eye; 2: a share of the requests;
                   3: something else is odd, too                           1
  --minutes N      how long it can be answered, 3 to 55                    20
  --traffic NAME   k6, locust or builtin                                   the first one that is here
  --after N        the fault begins within so many seconds, at least half   150
  --quick          faster users, and a fault after 15 to 25 seconds
  --play [N]       lets a script play N games, 10 unless said, from --seed on

"stop" ends the games of this user, unscored. Ctrl-C ends a game and all of its processes.`

const options = {
  seed: { type: 'string' },
  level: { type: 'string', default: '' },
  minutes: { type: 'string', default: '20' },
  traffic: { type: 'string', default: '' },
  after: { type: 'string', default: '' },
  quick: { type: 'boolean', default: false },
  play: { type: 'boolean', default: false },
  help: { type: 'boolean', default: false },
} as const

const quickWindow: [number, number] = [15, 25]
/** People read at their own speed: the list of the newest 1,000 requests should reach back for minutes. */
const usualPace = 0.7
const quickPace = 3
const seedMax = 4_294_967_295

function wordsOf(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true })
  } catch (error) {
    const [sentence] = (error as Error).message.split('. ')
    throw new Error(`${sentence}. npm run gameday -- --help lists them all.`, { cause: error })
  }
}

function whole(option: string, text: string, [min, max]: [number, number]): number {
  const value = Number(text)
  if (/^\d{1,10}$/.test(text) && value >= min && value <= max) return value
  throw new Error(`--${option} is "${text}", but it must be a whole number from ${min} to ${max}.`)
}

function known<T extends string>(option: string, text: string, names: readonly T[]): T {
  const found = names.find((name) => name === text)
  if (found !== undefined) return found
  throw new Error(`--${option} is "${text}", but there are: ${names.join(', ')}.`)
}

type Values = ReturnType<typeof wordsOf>['values']

function wishOf(values: Values, signal: AbortSignal): Wish {
  const level: Level = values.level === '' ? 1 : levelOf(values.level)
  const generator: Generator =
    values.traffic === '' ? usualGenerator() : known('traffic', values.traffic, generators)
  return {
    seed:
      values.seed === undefined
        ? Math.floor(Math.random() * 1_000_000)
        : whole('seed', values.seed, [0, seedMax]),
    level,
    ground: {
      exports: Boolean(process.env['OTEL_EXPORTER_OTLP_ENDPOINT']),
      window: windowOf(values),
    },
    minutes: whole('minutes', values.minutes, [3, 55]),
    pace: values.quick ? quickPace : usualPace,
    generator,
    grafana: process.env['GRAFANA_URL'] || undefined,
    signal,
  }
}

function windowOf({ after, quick, minutes }: Values): [first: number, last: number] {
  if (after === '') return quick ? quickWindow : usualWindow
  const last = whole('after', after, [2, 600])
  if (last >= 60 * Number(minutes)) throw new Error('--after is later than the end of the game.')
  return [Math.ceil(last / 2), last]
}

const levelOf = (text: string): Level => {
  const name = known('level', text, levels.map(String))
  return levels.find((level) => String(level) === name)!
}

/** Aborted by Ctrl-C, by SIGTERM and when the terminal is closed. */
function untilSignal(): AbortSignal {
  const controller = new AbortController()
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.on(signal, () => controller.abort(new Error('The game day was ended.')))
  return controller.signal
}

async function play(wish: Wish): Promise<void> {
  console.log(`A Tracewren is being started, with traffic by ${wish.generator} …`)
  const game = await Game.begin(wish)
  const aborted = new Promise<void>((done) =>
    wish.signal.addEventListener('abort', () => done(), { once: true }),
  )
  try {
    const server = await serveGame(game)
    const remove = noteGame(server.url)
    console.log(`
  The questions   ${server.url}
  The Tracewren   ${game.url}
  Its traces      ${game.url}/traces

Level ${wish.level}, ${wish.minutes} minutes. Ctrl-C ends it, and all of its processes.`)
    await Promise.race([aborted, game.done])
    remove()
    await server.close()
  } finally {
    await game.close()
  }
  console.log('The game day is over.')
}

const noteStart = `tracewren-gameday-${process.getuid?.() ?? 0}-`

/** Leaves the address of the questions for `stop`; returns what removes it. */
function noteGame(url: string): () => void {
  const file = join(tmpdir(), `${noteStart}${process.pid}.url`)
  rmSync(file, { force: true })
  writeFileSync(file, url, { mode: 0o600, flag: 'wx' })
  return () => rmSync(file, { force: true })
}

/** Ends all games of this user. */
async function stop(): Promise<void> {
  const uid = process.getuid?.()
  let ended = 0
  for (const name of readdirSync(tmpdir()).filter((one) => one.startsWith(noteStart))) {
    const file = join(tmpdir(), name)
    // Everybody may write there: only what is ours counts, and only addresses of this machine.
    if (uid !== undefined && statSync(file).uid !== uid) continue
    const url = readFileSync(file, 'utf8')
    if (!/^http:\/\/127\.0\.0\.1:\d{1,5}$/.test(url)) continue
    const answer = await fetch(`${url}/stop`, {
      method: 'POST',
      signal: AbortSignal.timeout(10_000),
    }).catch(() => undefined)
    // A game that was killed leaves its file.
    if (!answer?.ok) rmSync(file, { force: true })
    else ended = say(ended, url)
  }
  if (ended === 0) console.log('No game day is on.')
}

function say(ended: number, url: string): number {
  console.log(`The game is stopped, unscored. Its answer: ${url}`)
  return ended + 1
}

async function main(): Promise<number> {
  const { values, positionals } = wordsOf(process.argv.slice(2))
  const [word, ...more] = positionals
  if (values.help) console.log(usage)
  else if (values.play)
    return playAll({
      first: whole('seed', values.seed ?? '1', [0, seedMax]),
      count: whole('play', word ?? '10', [1, 100]),
      level: values.level === '' ? undefined : levelOf(values.level),
      signal: untilSignal(),
    })
  else if (word === 'stop' && more.length === 0) await stop()
  else if (word !== undefined) throw new Error(`"${word}" is one word too many.\n\n${usage}`)
  else await play(wishOf(values, untilSignal()))
  return 0
}

try {
  process.exit(await main())
} catch (error) {
  if (!(error instanceof Error)) throw error
  console.error(error.message)
  process.exit(2)
}
