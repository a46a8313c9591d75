// kill -9 of each process in turn, under a light load: is it back by itself, and what did users see meanwhile?
import { setTimeout as pause } from 'node:timers/promises'

import { type Stack } from './stack.ts'
import { signIn, Visitors } from './visitors.ts'

export type Kill = { killed: string; back: string; page: string; like: string; static: string }

/** How long users are watched after each kill. Docker restarts a container without a delay only when it ran for 10 s. */
const watchMs = 7000
const patienceMs = 60_000

const answers = (url: string, init: RequestInit = {}) =>
  fetch(url, { redirect: 'manual', signal: AbortSignal.timeout(1000), ...init }).then(
    async (answer) => {
      await answer.arrayBuffer()
      return answer.status < 400
    },
    () => false,
  )

/** Whether a service answers again; without a probe from outside, its health check decides. */
function probeOf(stack: Stack, service: string): () => Promise<boolean> {
  const otlp = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{}' }
  const probes: Record<string, () => Promise<boolean>> = {
    app: () => answers(stack.at('APP', '/readyz')),
    nginx: () => answers(stack.at('HTTP', '/login')),
    'opentelemetry-collector': () => answers(stack.at('OTLP_HTTP', '/v1/traces'), otlp),
    'load-twitter': () => answers(stack.at('LOCUST')),
    grafana: () => answers(stack.at('GRAFANA', '/api/health')),
  }
  const health = async () =>
    (await stack.containers()).get(service)?.State.Health?.Status === 'healthy'
  return probes[service] ?? health
}

/** Waits until another process runs in the container and it answers; returns the seconds. */
async function waitForReturn(stack: Stack, service: string, pid: number): Promise<number> {
  const from = performance.now()
  const answersAgain = probeOf(stack, service)
  for (;;) {
    const state = (await stack.containers()).get(service)?.State
    if (state?.Running && state.Pid !== pid && (await answersAgain()))
      return (performance.now() - from) / 1000
    if (performance.now() - from > patienceMs)
      throw new Error(`${service} was not back ${patienceMs / 1000} s after kill -9.`)
    await pause(100)
  }
}

/** Kills the main process of each service, and the workers of nginx. */
export async function killEach(stack: Stack, say: (text: string) => void): Promise<Kill[]> {
  const url = stack.at('HTTP')
  const page = await (await fetch(url)).text()
  const sheet = /\/static\/app\.[0-9a-f]+\.css/.exec(page)?.[0] ?? '/static/app.css'
  const visitors = new Visitors(url, await signIn(url, 2), sheet)
  const kills: Kill[] = []
  const killed = async (name: string, kill: () => Promise<number>) => {
    const from = performance.now()
    const seconds = await kill()
    await pause(Math.max(0, from + watchMs - performance.now()))
    const row = { killed: name, back: `${seconds.toFixed(1)} s`, ...(await visitors.since(from)) }
    say(`killed ${name}: back after ${row.back}`)
    kills.push(row)
  }
  try {
    await pause(1000)
    const before = await visitors.since(0)
    kills.push({ killed: '(nothing)', back: '', ...before })
    for (const [service, { State }] of await stack.containers()) {
      if (!State.Running) continue
      await killed(service, async () => {
        await stack.onHost(`kill -9 ${State.Pid}`)
        return waitForReturn(stack, service, State.Pid)
      })
    }
    await killed('nginx: its workers', () => killWorkers(stack))
  } finally {
    await visitors.stop()
  }
  return kills
}

/** The master starts new workers. The script that rotates the logs is a child of it, too. */
async function killWorkers(stack: Stack): Promise<number> {
  const pid = (await stack.containers()).get('nginx')!.State.Pid
  const told = await stack.onHost(
    `for c in $(cat /proc/${pid}/task/${pid}/children); do read -r n < /proc/$c/comm; if [ "$n" = nginx ]; then kill -9 $c && echo $c; fi; done`,
  )
  if (!/^\d/.test(told)) throw new Error('nginx has no worker process.')
  const from = performance.now()
  while (!(await answers(stack.at('HTTP', '/login')))) {
    if (performance.now() - from > patienceMs) throw new Error('nginx has no workers again.')
    await pause(50)
  }
  return (performance.now() - from) / 1000
}

/** What users may see: no wrong answer, and no page or like lost for longer than the app needs to start. */
export function problemsOf(kills: Kill[]): string[] {
  const allowed = /^(200|503|502|504|cut off) ×\d+$/
  return kills.flatMap(({ killed, page, like, static: file }) => {
    const bad = [page, like, file]
      .flatMap((text) => text.split(', '))
      .filter((one) => !allowed.test(one))
    const isBystander = !['app', 'nginx', 'nginx: its workers'].includes(killed)
    const hurt = isBystander && /503|502|504|cut off/.test(page + like + file)
    return [
      ...bad.map((one) => `${killed}: users saw ${one}`),
      ...(hurt ? [`${killed}: users noticed it, but it does not serve them`] : []),
    ]
  })
}
