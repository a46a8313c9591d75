// What `npm run doctor` says: one line for each check, as text or as JSON, without secrets.
import type { Signal } from '../../config/telemetry-settings.ts'
import { say } from '../command.ts'

type Hop =
  | 'settings'
  | 'app'
  | 'database'
  | 'disk'
  | 'clock'
  | 'Collector'
  | 'Tempo'
  | 'Loki'
  | 'Mimir'
  | 'Grafana'

/** What is wrong, what was answered, and the cure. */
export type Trouble = { said: string; answered?: string; cure: string }
export type Check = { hop: Hop; signal?: Signal } & (
  | { status: 'ok' | 'skipped'; said: string }
  | ({ status: 'warning' | 'failed' } & Trouble)
)

/** Makes the checks of a hop, or of one signal there. */
export const checksOf = (hop: Hop, signal?: Signal) => {
  const about = { hop, ...(signal && { signal }) }
  return {
    ok: (said: string): Check => ({ ...about, status: 'ok', said }),
    skipped: (said: string): Check => ({ ...about, status: 'skipped', said }),
    warning: (trouble: Trouble): Check => ({ ...about, status: 'warning', ...trouble }),
    failed: (trouble: Trouble): Check => ({ ...about, status: 'failed', ...trouble }),
  }
}

/** Shorter secrets are not replaced: they would be found in every second word. */
const secretMin = 4
const answerMax = 300

/** Gathers the checks of one run, and prints each as it comes. */
export class Report {
  readonly checks: Check[] = []
  readonly #secrets = new Set<string>()
  readonly #json: boolean

  constructor(json: boolean) {
    this.#json = json
  }

  /** Never prints these from now on. */
  hide(secrets: readonly string[]): void {
    for (const secret of secrets) if (secret.length >= secretMin) this.#secrets.add(secret)
  }

  add(check: Check): void {
    const clean = Object.fromEntries(
      Object.entries(check).map(([name, text]) => [name, this.#clean(text)]),
    ) as Check
    const last = this.checks.findLast(({ status }) => status === clean.status)
    this.checks.push(clean)
    if (!this.#json) for (const line of linesOf(clean, last)) say(line)
  }

  /** Prints the end; returns the exit code. */
  end(probe: string | undefined): number {
    const failed = this.checks.find(({ status }) => status === 'failed')
    if (this.#json) {
      const stoppedAt = failed ? { hop: failed.hop, signal: failed.signal } : null
      const whole = { ok: !failed, stoppedAt, probe: probe ?? null, checks: this.checks }
      say(JSON.stringify(whole, undefined, 2))
    } else say(failed ? `\nIt stopped at: ${nameOf(failed)}.` : '\nNothing is broken.')
    return failed ? 1 : 0
  }

  /** Without secrets and control characters, and not longer than somebody reads. */
  #clean(text: string): string {
    let clean = text
    const longestFirst = [...this.#secrets].toSorted((one, other) => other.length - one.length)
    for (const secret of longestFirst) clean = clean.replaceAll(secret, '…')
    const oneLine = clean.replaceAll(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim()
    return oneLine.length > answerMax * 2 ? `${oneLine.slice(0, answerMax * 2)} …` : oneLine
  }
}

/** The first words of an answer. */
export const shortly = (text: string): string =>
  text.trim().length > answerMax ? `${text.trim().slice(0, answerMax)} …` : text.trim()

const nameOf = ({ hop, signal }: Check) => (signal ? `${hop} (${signal})` : hop)

/** The lines of a check. Answer and cure are left out when they are those of the check before. */
function linesOf(check: Check, last?: Check): string[] {
  const lines = [`${check.status.padEnd(8)} ${nameOf(check).padEnd(19)} ${check.said}`]
  const more = (what: string, text: string) => lines.push(`${' '.repeat(29)}${what}: ${text}`)
  if (!('cure' in check)) return lines
  const isSame = last && 'cure' in last && last.cure === check.cure
  if (isSame && last.answered === check.answered) return lines
  if (check.answered) more('Answer', check.answered)
  more('Cure', check.cure)
  return lines
}
