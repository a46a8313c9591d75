// `npm run test:stack`: builds and starts the stack of compose.yaml with Docker, uses it, kills its processes, and removes it.
import { parseArgs } from 'node:util'

import {
  memoryOf,
  proveDoctor,
  proveHardening,
  proveHealth,
  proveLike,
  proveLikeKept,
  proveOneApp,
  runLocust,
  runSmoke,
} from './stack/checks.ts'
import { leaveOutMissing } from './stack/images.ts'
import { killEach, problemsOf } from './stack/kills.ts'
import { proveAlone, proveBackup, proveDev, proveRestart, proveStop, up } from './stack/lives.ts'
import { proveScale } from './stack/scale.ts'
import { endAll } from './stack/shell.ts'
import { Stack } from './stack/stack.ts'
import { table } from './stack/table.ts'

const usage = `npm run test:stack -- [options]

  --keep      leave the stack running, and say how to remove it

It needs Docker and Docker Compose (docs/docker.md). It takes about five minutes, and longer when images have to be fetched.
COMPOSE_FILE names other files than compose.yaml. It starts a project of its own on free ports, and removes it at the end.`

const { values } = parseArgs({
  options: {
    keep: { type: 'boolean', default: false },
    help: { type: 'boolean', default: false },
  },
})

const started = performance.now()
const seconds = () => ((performance.now() - started) / 1000).toFixed(0).padStart(4)
const say = (text: string) => console.log(`${seconds()} s  ${text}`)

async function prove(stack: Stack): Promise<void> {
  await leaveOutMissing(stack)
  for (const [name, why] of stack.leftOut) say(`left out: ${name}, because ${why}`)
  await stack.must(['build'], { seconds: 900 })
  say('built the images')
  const healthy = await up(stack)
  say(`up --wait: everything was healthy after ${healthy.toFixed(1)} s`)
  await proveHealth(stack)
  await proveHardening(stack)
  say('every health check passes; no container is root or can write its root file system')
  const hasNginx = stack.has('nginx')
  if (hasNginx)
    say(`followed a like through nginx, log and Collector: trace ${await proveLike(stack)}`)
  await proveOneApp(stack)
  say('a second app container on the file was refused in one sentence')

  if (stack.has('load-twitter')) say(`Locust by its API for 20 s: ${await runLocust(stack, 20)}`)
  const memory = await memoryOf(stack)
  if (stack.has('k6')) {
    await runSmoke(stack)
    say('k6: the smoke test of every screen and action passed')
  }
  say(`exec app node dist/doctor.js: ${await proveDoctor(stack)}`)
  const kills = hasNginx ? await killEach(stack, say) : []

  await proveBackup(stack)
  say('exec app node dist/db-backup.js made a backup')
  if (hasNginx) {
    await proveRestart(stack)
    say('restart: the like is still there')
  }
  say(`stop: all containers ended by themselves within ${await proveStop(stack)}`)
  await stack.must(['down'])
  await up(stack)
  if (hasNginx) await proveLikeKept(stack, 'HTTP')
  say('down and up: the like is still there')
  say(`up app: the app alone was healthy after ${(await proveAlone(stack)).toFixed(1)} s`)
  say(`compose.dev.yaml: the app restarted ${(await proveDev(stack)).toFixed(1)} s after a change`)
  if (hasNginx) await sayScale(stack)

  console.log(`\nSeconds to healthy: ${healthy.toFixed(1)}\n`)
  console.log(table(['container', 'memory after the load'], memory))
  const row = (kill: (typeof kills)[number]) =>
    [kill.killed, kill.back, kill.page, kill.like, kill.static] as const
  if (kills.length > 0)
    console.log(table(['kill -9 of', 'back after', 'page', 'like', 'static file'], kills.map(row)))
  const problems = problemsOf(kills)
  // The goal is 30 s; slower machines than ours get twice the time.
  if (healthy > 60) problems.push(`up --wait took ${healthy.toFixed(1)} s; the limit is 60 s`)
  if (problems.length > 0) throw new Error(problems.join('\n'))
}

async function sayScale(stack: Stack): Promise<void> {
  const scaled = await proveScale(stack)
  say(
    `compose.scale.yaml: three apps healthy after ${scaled.seconds.toFixed(1)} s, on ${scaled.image}`,
  )
  say(`kill -9 of one of the three: ${scaled.killed}`)
  say(`the replica stopped: ${scaled.replica}`)
  say(`db-move to a file and into a new server: ${scaled.restored}`)
}

async function main(): Promise<number> {
  const stack = await Stack.make()
  let removed: Promise<void> | undefined
  const remove = () =>
    (removed ??= (async () => {
      const left = await stack.remove()
      if (left.length > 0) throw new Error(`\`down -v\` left something: ${left.join(' ')}`)
      say('down -v: nothing is left')
    })())
  const interrupt = (code: number) => {
    if (removed !== undefined) return
    say('interrupted: removing the stack')
    endAll()
    void remove()
      .catch((error: Error) => console.error(error.message))
      .finally(() => process.exit(code))
  }
  process.on('SIGINT', () => interrupt(130))
  process.on('SIGTERM', () => interrupt(143))
  process.on('SIGHUP', () => interrupt(129))
  try {
    await prove(stack)
  } catch (error) {
    // After Ctrl+C the cleanup ends the process.
    if (removed !== undefined) await removed
    console.error((await stack.run(['logs', '--tail', '8']).catch(() => undefined))?.out ?? '')
    throw error
  } finally {
    if (values.keep) console.log(`docker compose -p ${stack.project} down -v removes it.`)
    else await remove()
  }
  say('all checks passed')
  return 0
}

if (values.help) console.log(usage)
else {
  try {
    process.exitCode = await main()
  } catch (error) {
    console.error(error instanceof Error ? error.message : error)
    process.exitCode = 1
  }
}
