// What the running stack promises: health, users, read-only files, a page and a like through every hop, load.
import assert from 'node:assert/strict'
import { setTimeout as pause } from 'node:timers/promises'

import { run } from './shell.ts'
import { spansFile, type Stack } from './stack.ts'
import { signIn } from './visitors.ts'

/** Repeats until the check passes; throws its last error after `seconds`. */
export async function until<T>(seconds: number, check: () => Promise<T>): Promise<T> {
  for (const giveUp = performance.now() + seconds * 1000; ; await pause(200)) {
    try {
      return await check()
    } catch (error) {
      if (performance.now() > giveUp) throw error
    }
  }
}

/** Every container is healthy, and those that run once have ended with 0. */
export async function proveHealth(stack: Stack): Promise<void> {
  const containers = await stack.containers()
  for (const name of Object.keys(stack.services)) {
    if (name === 'k6') continue
    const state = containers.get(name)?.State
    assert.ok(state, `${name} has a container`)
    if (name === 'volumes') assert.equal(state.ExitCode, 0, 'volumes ended with 0')
    else assert.equal(state.Health?.Status, 'healthy', `${name} is healthy`)
  }
}

/** No process is root, has a capability or may get one, and no root file system can be written. */
export async function proveHardening(stack: Stack): Promise<void> {
  const running = [...(await stack.containers())].filter(([, { State }]) => State.Running)
  const line = running
    .map(([name, { State }]) => `echo "== ${name}"; cat /proc/${State.Pid}/{status,mountinfo}`)
    .join('; ')
    .replaceAll(/(\/proc\/\d+\/)\{status,mountinfo\}/g, '$1status $1mountinfo')
  for (const part of (await stack.onHost(line)).split('== ').filter(Boolean)) {
    const name = part.split('\n')[0]
    const [, user] = /^Uid:\t(\d+)/m.exec(part) ?? []
    assert.match(user ?? '', /^[1-9]\d*$/, `${name} does not run as root`)
    assert.match(part, /^CapEff:\t0+$/m, `${name} has no capability`)
    assert.match(part, /^NoNewPrivs:\t1$/m, `${name} cannot get more rights`)
    const mount = part.split('\n').find((one) => one.split(' ')[4] === '/')
    assert.match(mount?.split(' ')[5] ?? '', /^ro(,|$)/, `${name} has a read-only root`)
  }
  const write = "require('fs').writeFileSync('/app/written', '')"
  const tried = await stack.run(['exec', '-T', 'app', 'node', '-e', write])
  assert.match(tried.all, /EROFS/, 'the app cannot write beside its data')
  if (!stack.has('load-twitter')) return
  const names = ['twitter-app', 'load-twitter', 'nginx', 'app']
  const ask = `import socket; [socket.gethostbyname(n) for n in ${JSON.stringify(names)}]`
  await stack.exec('load-twitter', 'python', '-c', ask)
}

/** A page and a like through nginx; the like is in the access log and at the Collector, under one trace id. */
export async function proveLike(stack: Stack): Promise<string> {
  const url = stack.at('HTTP')
  const page = await fetch(url, { signal: AbortSignal.timeout(10_000) })
  assert.match(await page.text(), /class="tweet"/, 'a page with tweets')
  const cookie = await signIn(url)
  const like = await fetch(`${url}/favorite/7`, {
    method: 'POST',
    headers: { Cookie: cookie, Accept: 'application/json' },
    signal: AbortSignal.timeout(10_000),
  })
  assert.equal(like.status, 200, await like.text())
  const trace = like.headers.get('X-Trace-Id') ?? ''
  assert.match(trace, /^[0-9a-f]{32}$/, 'the answer names its trace')
  await until(10, async () => {
    const log = await stack.exec('nginx', 'tail', '-n', '50', '/var/log/nginx/access.log')
    const lines = log.split('\n').filter(Boolean)
    const line = lines
      .map((text) => JSON.parse(text) as Record<string, string>)
      .find(({ path, method }) => path === '/favorite/7' && method === 'POST')
    assert.equal(line?.['trace.id'], trace, 'the line of the access log has the same trace id')
    assert.equal(line?.['status'], '200')
  })
  if (stack.has('opentelemetry-collector')) await until(20, () => proveSpans(stack, trace))
  return trace
}

async function proveSpans(stack: Stack, trace: string): Promise<void> {
  const busybox = ['opentelemetry-collector', '/tools/busybox', 'grep', trace, spansFile]
  const { out } = await stack.run(['exec', '-T', ...busybox])
  type Span = { traceId: string; name: string }
  type Batch = { resourceSpans: { scopeSpans: { spans: Span[] }[] }[] }
  const names = out
    .split('\n')
    .filter(Boolean)
    .flatMap((line) => (JSON.parse(line) as Batch).resourceSpans)
    .flatMap(({ scopeSpans }) => scopeSpans.flatMap(({ spans }) => spans))
    .filter(({ traceId }) => traceId === trace)
    .map(({ name }) => name)
  assert.ok(names.includes('POST /favorite/:id'), `the Collector has its spans: ${names.join()}`)
  assert.ok(names.length >= 4, `with those of handler and queries: ${names.join()}`)
}

/** The doctor inside the app's container: each hop that runs is well, and it stops at the first that does not. */
export async function proveDoctor(stack: Stack): Promise<string> {
  const words = ['exec', '-T', 'app', 'node', 'dist/doctor.js', '--json', '--wait', '10']
  const { out } = await stack.run(words)
  type Check = { hop: string; status: string; said: string }
  type Told = { checks: Check[]; stoppedAt: { hop: string } | null }
  const { checks, stoppedAt } = JSON.parse(out) as Told
  const services: Record<string, string> = { Collector: 'opentelemetry-collector' }
  const runs = ({ hop }: Check) =>
    !['Collector', 'Tempo', 'Loki', 'Mimir', 'Grafana'].includes(hop) ||
    stack.has(services[hop] ?? hop.toLowerCase())
  for (const check of checks.filter(runs)) assert.equal(check.status, 'ok', JSON.stringify(check))
  const away = checks.find((check) => check.status === 'failed')
  assert.equal(stoppedAt?.hop, away?.hop, out)
  return stoppedAt ? `it stops at ${stoppedAt.hop}, which does not run` : 'every hop is well'
}

/** Is the like still there? */
export async function proveLikeKept(stack: Stack, from: 'HTTP' | 'APP'): Promise<void> {
  const url = stack.at(from)
  const page = await fetch(`${url}/favorites`, { headers: { Cookie: await signIn(url) } })
  assert.match(await page.text(), /\/tweet\/7\b/, 'tweet 7 is still liked')
}

/** Two app containers on a file: the second ends with one sentence. */
export async function proveOneApp(stack: Stack): Promise<void> {
  const words = ['run', '--rm', '-T', '--no-deps', '-e', 'LOCK_WAIT_MS=500', 'app']
  const { code, all } = await stack.run(words)
  assert.notEqual(code, 0)
  assert.match(
    all,
    /Another Tracewren process \(in another container\) uses \/data\/tracewren\.db: [^.]+libSQL server[^.]+\.$/m,
  )
}

/** Starts users by Locust's own page and waits; returns what it counted. */
export async function runLocust(stack: Stack, seconds: number): Promise<string> {
  const url = stack.at('LOCUST')
  await until(10, async () => {
    // Readers that Locust has started by itself would go on.
    await fetch(`${url}/stop`)
    const form = new URLSearchParams({ user_count: '10', spawn_rate: '5', host: 'http://nginx' })
    for (const kind of ['RealisticUser', 'TimelineReader', 'TimelineVisitor'])
      form.append('user_classes', kind)
    const swarm = await fetch(`${url}/swarm`, { method: 'POST', body: form })
    const told = (await swarm.json()) as { success: boolean; message: string }
    assert.equal(told.success, true, told.message)
  })
  await pause(seconds * 1000)
  type Stats = { stats: { name: string; num_requests: number; num_failures: number }[] }
  const read = async () => (await (await fetch(`${url}/stats/requests`)).json()) as Stats
  const { stats, ...more } = await read()
  await fetch(`${url}/stop`)
  const all = stats.find(({ name }) => name === 'Aggregated')
  assert.ok(all && all.num_requests > 10, `Locust sent ${all?.num_requests} requests`)
  assert.equal(all.num_failures, 0, `Locust counted failures: ${JSON.stringify(more)}`)
  return `${all.num_requests} requests, 0 failures`
}

/** The smoke test of the profile k6: every screen and every action. */
export async function runSmoke(stack: Stack): Promise<void> {
  const { code, all } = await stack.run(['--profile', 'k6', 'run', '--rm', '-T', 'k6'], {
    seconds: 180,
  })
  assert.equal(code, 0, `k6 ended with ${code}:\n${all.slice(-3000)}`)
}

/** Memory of each container, as `docker stats` counts it. */
export async function memoryOf(stack: Stack): Promise<[string, string][]> {
  const running = [...(await stack.containers())].filter(([, { State }]) => State.Running)
  const format = '{{.MemUsage}}'
  const ids = running.map(([, { Id }]) => Id)
  const { out } = await run('docker', ['stats', '--no-stream', '--format', format, ...ids])
  const lines = out.split('\n')
  return running.map(([name], index) => [name, lines[index] ?? ''])
}
