import { setTimeout as pause } from 'node:timers/promises'

import { finding, traceFinding, type Lab } from './lab.ts'
import { agentOf, type Traffic } from './traffic.ts'

const clients = 24
const refusedLeast = 10
const triesImpatient = 5
const triesPolite = 20
const refusedCodes = ['too_many_in_flight', 'too_many_waiting']

export const overload: Lab = {
  number: 10,
  title: 'Overload and Retry-After',
  page: '10-overload',
  async traffic(send, { polite }) {
    const outcomes = await Promise.all(
      Array.from({ length: clients }, () => untilAnswered(send, polite)),
    )
    const served = outcomes.filter(({ isServed }) => isServed).length
    const tries = outcomes.reduce((sum, one) => sum + one.tries, 0)
    return `${clients} clients at once, ${polite ? 'who wait as Retry-After says' : 'who try again at once'}: ${served} got an answer, ${clients - served} gave up; ${tries} requests.`
  },
  async check(app, traceId) {
    const of = async (who: string) =>
      app.requests({ attribute: `user_agent.original=${agentOf(10)} ${who}` })
    const impatient = await of('impatient')
    const polite = await of('polite')
    const active = await app.lastActive('latency')
    const refused = impatient.filter(({ code }) => refusedCodes.includes(code))
    const servedPolite = polite.filter(({ status }) => status === 200).length
    return [
      finding(
        refused.length >= refusedLeast,
        `${refused.length} of ${impatient.length} requests of impatient clients were refused with 503.`,
        refused.length === 0 && impatient.length > 0
          ? 'Nobody was refused: was the app started with `MAX_IN_FLIGHT=4 npm start`, and is the fault active? `npm run fault -- latency --route /everybody --strength 300`'
          : 'There was no overload yet: `npm run fault -- latency --route /everybody --strength 300`, then `npm run lab -- 10 --traffic`',
      ),
      await traceFinding(
        app,
        { traceId, number: 10, right: 'You found a refusal: it cost no query.' },
        (spans) => {
          const isRefused = spans.some(({ attributes }) =>
            refusedCodes.includes(attributes['app.error.slug'] ?? ''),
          )
          return isRefused ? undefined : 'This request was not refused because of overload.'
        },
      ),
      finding(
        servedPolite >= clients,
        `${servedPolite} polite clients got their answer, with ${polite.length} requests.`,
        `Now with clients who read Retry-After: \`npm run lab -- 10 --traffic --polite\``,
      ),
      finding(
        active?.ended !== undefined,
        'The fault has ended.',
        'The fault is still active: `npm run fault -- stop`',
      ),
    ]
  },
}

async function untilAnswered(send: Traffic, polite: boolean) {
  const triesMax = polite ? triesPolite : triesImpatient
  for (let tries = 1; tries <= triesMax; tries++) {
    const { status, retryAfterMs } = await send.send('/everybody', {
      as: polite ? 'polite' : 'impatient',
    })
    if (status < 500) return { isServed: true, tries }
    // Not all at the same moment again: each waits a little longer than it has to.
    if (polite) await pause((retryAfterMs ?? 1000) * (1 + Math.random()))
  }
  return { isServed: false, tries: triesMax }
}
