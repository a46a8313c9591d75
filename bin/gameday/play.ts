// `npm run gameday -- --play`: a script plays real games, and checks what they promise. It reads only what a player sees.
import { spawn, type ChildProcess } from 'node:child_process'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { endProcess } from './app.ts'
import { levels, type Level } from './draw.ts'
import { diagnose } from './player.ts'
import { questions, worth, type Answers, type Question } from './score.ts'
import { look, type SeenTrace } from './seen.ts'

const root = fileURLToPath(new URL('../../', import.meta.url))
const startMs = 120_000
const findMs = 150_000
const closeMs = 150_000
const lookAgainMs = 5000

type Choices = { fault: string[]; route: string[] }
type Link = { label: string; href: string }
type Evidence = { traces: Link[]; chart: Link; log: Link }
type Mark = { right: boolean; points: number }
export type PlayedState = {
  state: 'on' | 'closing' | 'over'
  app: string
  started: string
  healthy_seconds: number
  question: Question | null
  choices: Choices
  error?: string
  result?: {
    ending: string
    score: { marks: Partial<Record<Question, Mark>>; points: number } | null
    truth: { fault: string; route: string; since: string; begun: boolean }
    decoy: { fault: string } | null
    evidence: Evidence | null
  }
}

/** A game that runs as a program of its own. */
export type RunningGame = {
  url: string
  /** Asks the page as a program does. */
  ask: (path?: string, fields?: Record<string, string>) => Promise<PlayedState>
  /** As Ctrl-C does. */
  end: () => Promise<number | null>
  child: ChildProcess
}

/** Starts `npm run gameday` with these words, and waits for its page. */
export async function startGame(words: string[]): Promise<RunningGame> {
  const child = spawn(
    process.execPath,
    ['--import', 'tsx', 'bin/gameday.ts', '--quick', '--traffic', 'builtin', ...words],
    { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] },
  )
  let printed = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (piece: Buffer) => (printed += String(piece)))
  const ended = new Promise<void>((done) => child.once('exit', () => done()))
  const end = async () => {
    await endProcess(child, ended)
    return child.exitCode
  }
  for (const giveUp = Date.now() + startMs; ; await pause(50)) {
    const url = /The questions +(http:\S+)/.exec(printed)?.[1]
    if (url !== undefined) return { url, child, end, ask: asking(url) }
    if (child.exitCode !== null || Date.now() > giveUp) {
      await end()
      throw new Error(`The game did not start:\n${printed}`)
    }
  }
}

const asking =
  (url: string): RunningGame['ask'] =>
  async (path = '/', fields) => {
    const answer = await fetch(url + path, {
      ...(fields && { method: 'POST', body: new URLSearchParams(fields) }),
      headers: { Accept: 'application/json' },
      signal: AbortSignal.timeout(20_000),
    })
    return (await answer.json()) as PlayedState
  }

/** Looks at the app until something seems to be wrong; undefined when nothing is found in time. */
export async function findOut({ ask }: RunningGame): Promise<Answers | undefined> {
  const { app, started, healthy_seconds: healthy, choices } = await ask()
  const healthyUntil = Date.parse(started) + healthy * 1000
  const known = new Map<string, SeenTrace>()
  // The fault should have had some time: what is rare cannot be seen in its first second.
  await pause(Math.max(0, healthyUntil + 25_000 - Date.now()))
  for (const giveUp = Date.now() + findMs; Date.now() < giveUp; await pause(lookAgainMs)) {
    const found = diagnose(await look(app, known), choices.fault, healthyUntil)
    if (found) return found
  }
  return undefined
}

/** Something else than this answer. */
export const wrongAnswer = (question: Question, right: string, { fault, route }: Choices): string =>
  question === 'since'
    ? new Date(Date.parse(right) - 300_000).toISOString()
    : (question === 'fault' ? fault : route).find((one) => one !== right)!

/** Waits for the answer page. */
export async function untilOver({ ask }: RunningGame): Promise<PlayedState> {
  for (const giveUp = Date.now() + closeMs; ; await pause(300)) {
    const state = await ask()
    if (state.state === 'over') return state
    if (Date.now() > giveUp) throw new Error('The evidence was not collected in time.')
  }
}

/** What is missing in the evidence, as sentences. */
export async function missingIn(evidence: Evidence | null): Promise<string[]> {
  if (!evidence) return ['There is no evidence.']
  const missing: string[] = []
  const textOf = async ({ href }: Link) => {
    const answer = await fetch(href, {
      headers: { Accept: 'text/html' },
      signal: AbortSignal.timeout(20_000),
    })
    if (!answer.ok) missing.push(`${href} answers ${answer.status}.`)
    return answer.text()
  }
  if (evidence.traces.length === 0) missing.push('There is no trace.')
  for (const link of evidence.traces) await textOf(link)
  await textOf(evidence.chart)
  if (!(await textOf(evidence.log)).includes('<li class="log">'))
    missing.push(`${evidence.log.href} has no line.`)
  return missing
}

type Plan = { seed: number; level: Level; wrong: Question | undefined }

/** Plays one game; `wrong` is answered wrongly on purpose. Returns what is not as it should be. */
async function playOne({
  seed,
  level,
  wrong,
}: Plan): Promise<{ said: string; problems: string[] }> {
  const game = await startGame(['--seed', String(seed), '--level', String(level)])
  const problems: string[] = []
  try {
    const { choices } = await game.ask()
    const found = await findOut(game)
    for (const question of questions) {
      const right = found?.[question] ?? ''
      const answer = question === wrong ? wrongAnswer(question, right, choices) : right
      const { error } = await game.ask('/answer', { question, answer })
      if (error !== undefined) problems.push(`${question}: ${error}`)
    }
    const { result } = await untilOver(game)
    const { truth, score, evidence, decoy } = result!
    for (const question of questions) {
      const mark = score?.marks[question]
      const isRight = found !== undefined && agrees(question, found[question]!, truth)
      const expected = question !== wrong && isRight
      if (!isRight)
        problems.push(`${question}: the script says "${found?.[question] ?? 'nothing'}".`)
      if (mark?.right !== expected) problems.push(`${question}: marked ${mark?.right}.`)
      if (mark && (mark.right ? mark.points !== worth[question] : mark.points > 0))
        problems.push(`${question}: ${mark.points} points.`)
    }
    problems.push(...(await missingIn(evidence)))
    const also = decoy ? `, decoy ${decoy.fault}` : ''
    const lie = wrong ? `, ${wrong} wrong on purpose` : ''
    return {
      said: `${truth.fault} on ${truth.route} since ${truth.since}${also}${lie}: ${score?.points} points`,
      problems,
    }
  } finally {
    const code = await game.end()
    if (code !== 0) problems.push(`The game ended with ${code}.`)
  }
}

function agrees(
  question: Question,
  answer: string,
  truth: { fault: string; route: string; since: string },
): boolean {
  if (question !== 'since') return answer === truth[question]
  return Math.abs(Date.parse(answer) - Date.parse(truth.since)) <= 30_000
}

type Wish = { first: number; count: number; level: Level | undefined; signal: AbortSignal }

/** Plays games with seeds from `first` on, at all levels unless one is given; returns the exit code. */
export async function playAll({ first, count, level, signal }: Wish): Promise<number> {
  let bad = 0
  for (let index = 0; index < count && !signal.aborted; index++) {
    const seed = first + index
    const plan: Plan = {
      seed,
      level: level ?? levels[(seed + 2) % 3]!,
      // Every fourth game is answered as well as the script can.
      wrong: questions[(seed + 3) % 4],
    }
    const { said, problems } = await playOne(plan)
    if (problems.length > 0) bad += 1
    console.log(`Seed ${plan.seed}, level ${plan.level}: ${said}`)
    for (const problem of problems) console.log(`  ${problem}`)
  }
  console.log(`${count - bad} of ${count} games were as they should be.`)
  return bad === 0 && !signal.aborted ? 0 : 1
}
