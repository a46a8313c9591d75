// The fault lab of a real process: its token, its sockets, its signal and its command.
import assert from 'node:assert/strict'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { request } from 'node:http'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { startSink } from './otlp-sink.ts'
import { refusedStart, runTool, scratch, startServer, type Server } from './process.ts'

const place = (more: Record<string, string> = {}) => {
  const { folder, ...rest } = scratch()
  const env = { DATABASE_URL: `file:${folder}/town.db`, LOCK_WAIT_MS: '0', ...more }
  return { folder, token: `${folder}/faults.token`, env, ...rest }
}

/** The command that talks to this server. */
const fault = ({ url }: Server, env: Record<string, string>, ...words: string[]) =>
  runTool('fault', [...words, '--url', url], env)

type Listed = { faults: { name: string; active: object | null }[] }
async function activeOf({ url }: Server): Promise<string[]> {
  const listed = (await (await fetch(`${url}/faults`)).json()) as Listed
  return listed.faults.filter(({ active }) => active).map(({ name }) => name)
}

/** Posts with a Host header of its own, which `fetch` does not allow. */
function postAs({ url }: Server, path: string, headers: Record<string, string>) {
  return new Promise<number>((resolve, reject) => {
    const sent = request(new URL(path, url), { method: 'POST', headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.setTimeout(20_000, () => sent.destroy(new Error('no answer')))
    sent.once('error', reject)
    sent.end()
  })
}

test('npm run fault lists, starts and stops; mistakes are one line', async () => {
  using at = place()
  await using server = await startServer(at.env)
  const listed = fault(server, at.env)
  assert.equal(listed.code, 0, listed.printed)
  assert.match(listed.printed, /^errors\n.*\n {4}--strength: .*%, 1 to 100 \(50\)/)
  const started = fault(server, at.env, 'errors', '--strength', '100', '--route', '/')
  assert.match(started.printed, /^errors is active until .*Z\.\n$/)
  assert.equal(started.code, 0)
  assert.equal((await fetch(`${server.url}/`)).status, 500)
  assert.match(fault(server, at.env, 'list').printed, /^errors {2}ACTIVE until/)
  assert.equal(fault(server, at.env, 'stop', 'errors').printed, 'errors has ended.\n')
  assert.equal((await fetch(`${server.url}/`)).status, 200)
  assert.equal(fault(server, at.env, 'stop').printed, 'All faults have ended.\n')
  for (const [words, code, says] of [
    [['nonsense'], 1, /^There is no fault of this name/],
    [['errors', '--strength', '0'], 1, /^strength must be a whole number/],
    [['errors', '--route', '/nothing'], 1, /^No route has this pattern/],
    [['errors', '--loud'], 1, /--loud/],
    [['errors', 'latency'], 2, /^npm run fault/],
    [['stop', '--seed', '1'], 2, /^npm run fault/],
    [['--help'], 0, /^npm run fault/],
  ] as [string[], number, RegExp][]) {
    const answered = fault(server, at.env, ...words)
    assert.equal(answered.code, code, words.join(' '))
    assert.match(answered.printed, says)
  }
  await server.stop()
  const away = fault(server, at.env)
  assert.equal(away.code, 1)
  assert.match(away.printed, /^No app answers at http.*\. Start it with npm start/)
})

test('the token is for this user alone, new at each start, gone at the end, and opens what is shut', async () => {
  using at = place({ FAULTS: '1', HOST: '0.0.0.0' })
  writeFileSync(at.token, 'of an app that was killed\n', { mode: 0o644 })
  await using server = await startServer(at.env)
  assert.equal(statSync(at.token).mode & 0o777, 0o600)
  const token = readFileSync(at.token, 'utf8').trim()
  assert.match(token, /^[\w-]{43}$/)
  assert.equal(await postAs(server, '/faults/stop', {}), 403)
  for (const given of ['of an app that was killed', `${token}x`, token.slice(1), ''])
    assert.equal(await postAs(server, '/faults/stop', { Authorization: `Bearer ${given}` }), 403)
  assert.equal(await postAs(server, '/faults/stop', { Authorization: `Bearer ${token}` }), 200)
  assert.equal(fault(server, at.env, 'latency').code, 0)
  await server.stop()
  assert.ok(!existsSync(at.token))
  await using again = await startServer(at.env)
  assert.notEqual(readFileSync(at.token, 'utf8').trim(), token)
  assert.deepEqual(await activeOf(again), [], 'a restart ends all faults')
})

test('a name that was made to lead here (DNS rebinding), a proxy and a form of another site are refused', async () => {
  using at = place()
  await using server = await startServer(at.env)
  const own = new URL(server.url).host
  assert.equal(await postAs(server, '/faults/stop', { Host: own }), 200)
  for (const headers of [
    { Host: 'rebound.example' },
    { Host: 'rebound.example', Origin: 'http://rebound.example' },
    { Host: 'rebound.example', Origin: 'http://rebound.example', 'Sec-Fetch-Site': 'same-origin' },
    { Host: own, Forwarded: 'for=10.0.0.7' },
    { Host: own, 'X-Forwarded-For': '127.0.0.1' },
    { Host: own, Via: '1.1 nginx' },
    { Host: own, Origin: 'https://evil.example' },
    { Host: own, 'Sec-Fetch-Site': 'cross-site' },
  ] as Record<string, string>[])
    for (const path of ['/faults/errors', '/faults/errors/stop', '/faults/stop'])
      assert.equal(await postAs(server, path, headers), 403, `${path} ${JSON.stringify(headers)}`)
  assert.deepEqual(await activeOf(server), [])
})

test('SIGUSR2 ends all faults and nothing else', async () => {
  using at = place()
  await using server = await startServer(at.env)
  assert.equal(fault(server, at.env, 'errors', '--route', '*').code, 0)
  assert.equal(fault(server, at.env, 'cache-off').code, 0)
  assert.deepEqual(await activeOf(server), ['errors', 'cache-off'])
  server.child.kill('SIGUSR2')
  for (const until = Date.now() + 20_000; (await activeOf(server)).length > 0; await pause(10))
    assert.ok(Date.now() < until, 'the faults have not ended')
  assert.match(server.printed(), /"fault ended".*"app\.fault\.why":"signal"/)
  assert.equal((await fetch(`${server.url}/`)).status, 200)
})

test('FAULTS=1 without anybody who may use it ends the start; the command says when there is no lab', async () => {
  using at = place({ DEMO: '0', FAULTS: '1' })
  const { said, code } = await refusedStart(at.env)
  assert.equal(code, 1)
  assert.match(said, /^FAULTS is "1" with DEMO=0 .* but OPERATORS is empty/)
  const off = { ...at.env, FAULTS: '0' }
  await using server = await startServer(off)
  const answered = fault(server, off)
  assert.deepEqual([answered.code, existsSync(at.token)], [1, false])
  assert.match(answered.printed, /has no fault lab\. Start it with FAULTS=1\./)
})

test('the telemetry of a real process: nothing arrives, then it does again; of many traces few are kept', async () => {
  const sink = await startSink()
  using at = place({
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_BSP_SCHEDULE_DELAY: '50',
    OTEL_BLRP_SCHEDULE_DELAY: '50',
  })
  try {
    await using server = await startServer(at.env)
    const arrives = async (path: string) => {
      const answer = await fetch(`${server.url}${path}`)
      const id = answer.headers.get('X-Trace-Id')
      return () => sink.spans().some(({ traceId }) => traceId === id)
    }
    await waitFor(await arrives('/'))
    assert.equal(fault(server, at.env, 'exporter-unreachable').code, 0)
    const lost = await arrives('/everybody')
    await waitFor(() => server.printed().includes('telemetry is not delivered'))
    assert.equal(fault(server, at.env, 'stop').code, 0)
    await waitFor(await arrives('/'))
    assert.equal(lost(), false)
    assert.equal(fault(server, at.env, 'sampling').code, 0)
    const sampled: (() => boolean)[] = []
    for (let count = 0; count < 40; count++) sampled.push(await arrives('/'))
    assert.equal(fault(server, at.env, 'stop').code, 0)
    await waitFor(await arrives('/'))
    assert.ok(sampled.filter((has) => has()).length < 8)
    const events = () => sink.spans().flatMap((span) => span.events.map(({ name }) => name))
    await waitFor(() => events().filter((name) => name === 'fault.ended').length >= 1)
  } finally {
    await sink.close()
  }
})

async function waitFor(holds: () => boolean): Promise<void> {
  for (const giveUp = Date.now() + 60_000; !holds(); await pause(20))
    assert.ok(Date.now() < giveUp, String(holds))
}
