// One game: the app, its traffic, its fault, what the player has said, and the end.
import { faultNamed } from '../../src/faults/list.ts'
import { startGameApp, type GameApp } from './app.ts'
import { draw, namesOf, type Ground, type Level, type Mystery } from './draw.ts'
import { evidenceOf, type Evidence } from './evidence.ts'
import { hintsOf } from './hints.ts'
import {
  hintsMax,
  nextQuestion,
  problemOf,
  questions,
  scoreOf,
  type Answers,
  type Question,
  type Score,
  type Truth,
} from './score.ts'
import { startTraffic, type Generator, type Traffic } from './traffic.ts'

export type Wish = {
  seed: number
  level: Level
  ground: Ground
  minutes: number
  pace: number
  generator: Generator
  grafana: string | undefined
  /** Ends what is being started. */
  signal: AbortSignal
}

/** `closing`: the evidence is being collected. */
export type State = 'on' | 'closing' | 'over'
/** How it ended. Only an answered game is scored. */
export type Ending = 'answered' | 'stopped' | 'time' | 'app ended'

/** The fault lasts a little longer than the game, and ends by itself if nobody ends it. */
const graceSeconds = 100
/** So long the evidence can be looked at; then all ends. */
export const lingerMs = 15 * 60_000

type Parts = { wish: Wish; app: GameApp; routes: string[]; mystery: Mystery }

export class Game {
  readonly wish: Wish
  readonly url: string
  readonly faults: string[]
  /** The routes that may be the answer. */
  readonly routes: string[]
  readonly startedAt = Date.now()
  readonly endsAt: number
  readonly answers: Answers = {}
  hintsTaken = 0
  state: State = 'on'
  ending: Ending | undefined
  evidence: Evidence | undefined
  /** Resolves when the game is over and its time for looking at the evidence, too. */
  readonly done: Promise<void>
  readonly #app: GameApp
  readonly #mystery: Mystery
  readonly #traffic: Traffic
  readonly #timers: NodeJS.Timeout[] = []
  #since: number | undefined
  #answeredAt = 0
  #finish!: () => void

  static async begin(wish: Wish): Promise<Game> {
    const app = await startGameApp(wish.signal)
    try {
      const mystery = draw(wish.seed, wish.level, wish.ground)
      const listed = await fetch(`${app.url}/faults`, { signal: AbortSignal.timeout(20_000) })
      const { routes } = (await listed.json()) as { routes: string[] }
      if (mystery.decoy) await app.strike(mystery.decoy, wish.minutes * 60 + graceSeconds)
      return new Game({ wish, app, routes, mystery })
    } catch (error) {
      await app.close()
      throw error
    }
  }

  private constructor({ wish, app, routes, mystery }: Parts) {
    this.wish = wish
    this.url = app.url
    this.faults = namesOf(wish.ground)
    this.routes = routes
    this.endsAt = this.startedAt + wish.minutes * 60_000
    this.done = new Promise((finish) => (this.#finish = finish))
    this.#app = app
    this.#mystery = mystery
    this.#traffic = startTraffic(app.url, wish.generator, wish.pace)
    this.#later(mystery.after * 1000, () => this.#strike())
    this.#later(wish.minutes * 60_000, () => this.#end('time'))
    void app.ended.then(() => this.#end('app ended'))
  }

  get question(): Question | undefined {
    return this.state === 'on' ? nextQuestion(this.answers) : undefined
  }

  /** What was really wrong. Only after the game has ended. */
  get truth(): Truth {
    const { fault, after } = this.#mystery
    return {
      fault: fault.name,
      route: fault.route,
      since: this.#since ?? this.startedAt + after * 1000,
    }
  }

  get mystery(): Mystery {
    return this.#mystery
  }

  /** Did it begin before the game ended? */
  get hasBegun(): boolean {
    return this.#since !== undefined
  }

  /** What all answers are worth; undefined when the game was not played to its end. */
  get score(): Score | undefined {
    return this.ending === 'answered'
      ? scoreOf(this.truth, this.answers, this.hintsTaken, this.#answeredAt)
      : undefined
  }

  /** The hints that were taken so far. */
  get hints(): string[] {
    return hintsOf(this.#mystery, this.truth, this.faults).slice(0, this.hintsTaken)
  }

  /** Takes the answer to a question, once; returns a sentence when it is not taken. */
  answer(question: string, given: string): string | undefined {
    const expected = this.question
    if (expected === undefined) return 'The game is over.'
    const known = questions.find((one) => one === question)
    if (known === undefined) return `There is no such question: ${questions.join(', ')}.`
    if (this.answers[known] !== undefined) return 'This question has its answer already.'
    if (known !== expected) return `The next question is "${expected}".`
    const text = given.trim()
    const problem = problemOf(known, text, this)
    if (problem !== undefined) return problem
    this.answers[known] = text
    if (nextQuestion(this.answers) === undefined) {
      this.#answeredAt = Date.now()
      this.#end('answered')
    }
    return undefined
  }

  /** Gives the next hint; returns a sentence when there is none. */
  hint(): string | undefined {
    if (this.state !== 'on') return 'The game is over.'
    if (this.hintsTaken >= hintsMax) return 'There are no more hints.'
    this.hintsTaken += 1
    return undefined
  }

  /** Ends the game without a score. */
  stop(): void {
    this.#end('stopped')
  }

  /** Ends all processes of the game. */
  async close(): Promise<void> {
    for (const timer of this.#timers) clearTimeout(timer)
    await this.#traffic.stop()
    await this.#app.close()
    this.#finish()
  }

  async #strike(): Promise<void> {
    if (this.state !== 'on') return
    const seconds = Math.ceil((this.endsAt - Date.now()) / 1000) + graceSeconds
    try {
      this.#since = await this.#app.strike(this.#mystery.fault, seconds)
    } catch {
      this.#end('app ended')
    }
  }

  #end(ending: Ending): void {
    if (this.state !== 'on') return
    this.state = 'closing'
    this.ending = ending
    void this.#reveal().finally(() => {
      this.state = 'over'
      this.#later(lingerMs, () => this.#finish())
    })
  }

  /** Collects the evidence before newer requests take its place, and then ends the fault. */
  async #reveal(): Promise<void> {
    await this.#traffic.stop()
    if (this.ending === 'app ended') return
    if (this.hasBegun)
      this.evidence = await evidenceOf(this.url, this.truth, this.wish.grafana).catch(
        () => undefined,
      )
    await this.#app.calm().catch(() => undefined)
  }

  #later(ms: number, work: () => unknown): void {
    this.#timers.push(setTimeout(() => void work(), ms))
  }
}

/** What a fault is called, what it does and moves, how one finds and cures it. */
export const wordsOf = (name: string) => faultNamed(name)!
