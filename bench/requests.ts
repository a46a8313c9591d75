// The cost of each request: the measured servers and their baselines.
import { writeFileSync } from 'node:fs'
import { setTimeout as pause } from 'node:timers/promises'

import { casesOf, signIn, type Case } from './cases.ts'
import { Connection, record, type Recorded } from './client.ts'
import { bothBuilds, modesOf } from './modes.ts'
import { recordPages } from './recorded-pages.ts'
import { keyOf, requestOf, rounds, type Outcome, type Scale, type Subject } from './rounds.ts'
import { startApp, startNodeHttp, startOtlpReceiver, startPackages } from './servers.ts'
import { copyOf, folder, worldOf } from './world.ts'

export async function measure(scale: Scale): Promise<Outcome> {
  const world = await worldOf(scale.users, scale.tweets, scale.against)
  const asked = (names: string[] | undefined, one: { name: string }) =>
    names === undefined || names.includes(one.name)
  const cases = casesOf(scale.users, scale.tweets).filter((one) => asked(scale.cases, one))
  const receiver = await startOtlpReceiver('timeline.read')
  const copies: { remove: () => void }[] = []
  const subjects: Subject[] = []
  try {
    const modes = modesOf(receiver.port).filter((one) => asked(scale.modes, one))
    for (const mode of scale.against === undefined ? modes : bothBuilds(modes, scale.against)) {
      const copy = copyOf(world, String(copies.length))
      copies.push(copy)
      const app = await startApp(copy.path, mode.env, { build: mode.build })
      subjects.push({
        mode,
        app,
        cookies: await signIn(app.port),
        count: 0,
        traced: 0,
      })
    }
    const nodeHttp = await startNodeHttp(await recordAnswers(subjects, cases))
    const copy = copyOf(world, 'packages')
    copies.push(copy)
    const packages = await startPackages(copy.path, await recordPages(copy.path, cases))
    const baselines = { nodeHttp, packages }
    const outcome = await rounds({ scale, cases, subjects, baselines })
    for (const one of [...subjects.map(({ app }) => app), nodeHttp, packages]) await one.stop()
    await pause(500)
    const expected = subjects.reduce((sum, { traced }) => sum + traced, 0)
    return {
      ...outcome,
      traces: { expected: Math.round(expected), arrived: await receiver.found() },
    }
  } finally {
    for (const { app } of subjects) await app.stop()
    await receiver.stop()
    for (const copy of copies) copy.remove()
  }
}

/** Records one answer of each case in each mode, in a file for the node:http baseline. */
async function recordAnswers(subjects: Subject[], cases: Case[]): Promise<string> {
  const answers: Record<string, Recorded> = {}
  for (const subject of subjects) {
    const connection = await Connection.open(subject.app.port)
    for (const one of cases) {
      answers[keyOf(subject, one)] = record(await connection.send(requestOf(subject, one)))
      if (one.name.startsWith('GET /timeline')) subject.traced += subject.mode.exported
    }
    connection.close()
  }
  const file = `${folder}/answers.json`
  writeFileSync(file, JSON.stringify(answers))
  return file
}
