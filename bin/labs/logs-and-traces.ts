import type { Active, App } from './app.ts'
import { finding, traceFinding, type Lab } from './lab.ts'

const sentence = 'GET /everybody'
const traffic = '`npm run lab -- 7 --traffic`'

export const logsAndTraces: Lab = {
  number: 7,
  title: 'Logs that find their trace',
  page: '07-logs-and-traces',
  async traffic(send) {
    const answers = await send.repeat('/everybody', 5)
    return `Read /everybody 5 times; ${answers.filter(({ status }) => status >= 500).length} failed.`
  },
  async check(app, traceId) {
    const active = await app.lastActive('lost-log-ids')
    const failures = (await app.logs({ level: 'error' })).filter((line) => line.traceId)
    const lines = await linesOf(app, active)
    return [
      finding(
        failures.length > 0,
        'A request has failed, and its log line names its trace.',
        `No request has failed yet: \`npm run fault -- errors --route /everybody --strength 100\`, then ${traffic}`,
      ),
      await traceFinding(
        app,
        { traceId, number: 7, right: 'You found the trace of a failure by its log line.' },
        () =>
          failures.some((line) => line.traceId === traceId)
            ? undefined
            : 'No error in /logs has this trace.',
      ),
      finding(
        active !== undefined,
        'The fault lost-log-ids has been started.',
        'Now lose the way from a line to its trace: `npm run fault -- lost-log-ids`',
      ),
      finding(
        lines.lost > 0,
        `While it was active, ${lines.lost} lines named no trace.`,
        `No line of ${sentence} without a trace is in /logs: ${traffic}, while the fault is active`,
      ),
      finding(
        active?.ended !== undefined,
        'The fault has ended.',
        'The fault is still active: `npm run fault -- stop`',
      ),
      finding(
        lines.found > 0,
        'Lines name their traces again.',
        `Show that lines name their traces again: ${traffic}`,
      ),
    ]
  },
}

/** How many lines named no trace during the fault, and how many name one after it. */
async function linesOf(app: App, active: Active | undefined) {
  if (!active) return { lost: 0, found: 0 }
  const lines = (await app.logs({ q: '/everybody' })).filter((line) => line.sentence === sentence)
  const { began, ended = Infinity } = active
  const during = lines.filter(({ at }) => at >= began && at <= ended)
  const after = lines.filter(({ at }) => at > ended)
  return {
    lost: during.filter(({ traceId }) => traceId === undefined).length,
    found: after.filter(({ traceId }) => traceId !== undefined).length,
  }
}
