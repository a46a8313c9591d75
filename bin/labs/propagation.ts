import { randomBytes } from 'node:crypto'

import { LabError } from './app.ts'
import { finding, rootOf, traceFinding, type Lab } from './lab.ts'
import { agentOf } from './traffic.ts'

const times = 5
const traffic = '`npm run lab -- 8 --traffic`'

export const propagation: Lab = {
  number: 8,
  title: 'Broken propagation through nginx',
  page: '08-propagation',
  async traffic(send, { nginxUrl }) {
    let kept = 0
    for (let count = 0; count < times; count++) {
      const id = randomBytes(16).toString('hex')
      const traceparent = `00-${id}-${randomBytes(8).toString('hex')}-01`
      const answer = await send
        .send(`${nginxUrl}/everybody`, { headers: { traceparent } })
        .catch(() => {
          throw new LabError(
            `No nginx answers at ${nginxUrl}. Start it in another terminal: npm run lab -- 8 --nginx`,
          )
        })
      if (answer.traceId === id) kept += 1
    }
    return `Sent ${times} requests with a traceparent through nginx; ${kept} of them continued its trace.`
  },
  async check(app, traceId) {
    const requests = await app.requests({ attribute: `user_agent.original=${agentOf(8)}` })
    // Oldest first: they were kept, then torn, then kept again.
    const torn: boolean[] = []
    for (const one of requests.toReversed()) {
      const root = rootOf((await app.trace(one.traceId))?.spans ?? [])
      if (root) torn.push(root.parentId === '')
    }
    const [firstTorn, lastTorn] = [torn.indexOf(true), torn.lastIndexOf(true)]
    const keptFirst = firstTorn < 0 ? torn.length : torn.indexOf(true)
    const keptLast = firstTorn < 0 ? 0 : torn.length - 1 - lastTorn
    return [
      finding(
        keptFirst > 0 || firstTorn > 0,
        'Requests through nginx continued the trace that came with them.',
        `No request has come through nginx with its trace: start \`npm run lab -- 8 --nginx\` in a second terminal, then ${traffic}`,
      ),
      finding(
        firstTorn >= 0,
        'Through the broken nginx, each request began a trace of its own.',
        `No trace has been torn: end nginx with Ctrl+C, start \`npm run lab -- 8 --nginx --broken\`, then ${traffic}`,
      ),
      await traceFinding(
        app,
        { traceId, number: 8, right: 'You found a torn trace: its first span has no parent.' },
        (spans) => {
          const root = rootOf(spans)
          if (root?.attributes['user_agent.original'] !== agentOf(8))
            return 'This trace is not one of the traffic of this lab.'
          return root.parentId === '' ? undefined : 'This trace continues another one.'
        },
      ),
      finding(
        keptLast > 0,
        'Mended: traces continue again.',
        `Mend it: end nginx with Ctrl+C, start \`npm run lab -- 8 --nginx\`, then ${traffic}`,
      ),
    ]
  },
}
