// A game day as a player has it: one command, a mystery, its questions, the answer, and nothing left behind.
import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { request } from 'node:http'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { draw } from '../bin/gameday/draw.ts'
import { missingIn, startGame, untilOver, type RunningGame } from '../bin/gameday/play.ts'
import { look } from '../bin/gameday/seen.ts'

/** The seed of errors on the start page. */
const seed = 15
const words = ['--seed', String(seed), '--level', '1', '--after', '4', '--minutes', '10']
const leaks =
  /\berrors\.ts|app\.fault|fault\.(started|ended)|fault (started|ended)|Injected|on purpose|"errors"|=errors\b/

const waitFor = async (what: string, holds: () => boolean | Promise<boolean>) => {
  for (const giveUp = Date.now() + 90_000; !(await holds()); await pause(50))
    assert.ok(Date.now() < giveUp, what)
}

/** The process of the app, from the process list. */
function appOf({ child }: RunningGame) {
  const of = (pid: number, what: string) => readFileSync(`/proc/${pid}/${what}`, 'utf8')
  const pid = of(child.pid!, `task/${child.pid}/children`)
    .trim()
    .split(' ')
    .map(Number)
    .find((one) => of(one, 'cmdline').includes('server.js'))!
  const folder = dirname(/DATABASE_URL=file:([^\0]+)/.exec(of(pid, 'environ'))![1]!)
  const listed = [child.pid!, pid].flatMap((one) => [of(one, 'cmdline'), of(one, 'environ')])
  return { pid, folder, listed: listed.join('\n') }
}

/** Sends a request with headers that `fetch` does not allow. */
const statusAs = (url: string, method: string, headers: Record<string, string>) =>
  new Promise<number>((resolve, reject) => {
    const sent = request(url, { method, headers }, (answer) => {
      answer.resume()
      resolve(answer.statusCode ?? 0)
    })
    sent.setTimeout(20_000, () => sent.destroy(new Error('no answer')))
    sent.once('error', reject)
    sent.end()
  })

const textOf = async (url: string) =>
  (
    await fetch(url, { headers: { Accept: 'text/html' }, signal: AbortSignal.timeout(20_000) })
  ).text()

async function refuses(game: RunningGame): Promise<void> {
  const host = new URL(game.url).host
  for (const headers of [
    { Host: 'rebound.example' },
    { Host: host, 'X-Forwarded-For': '127.0.0.1' },
    { Host: host, Via: '1.1 nginx' },
    { Host: host, Origin: 'https://evil.example' },
    { Host: host, 'Sec-Fetch-Site': 'cross-site' },
  ] as Record<string, string>[])
    assert.equal(await statusAs(`${game.url}/stop`, 'POST', headers), 403, JSON.stringify(headers))
  // A browser's own form: the policy is what makes it send its origin.
  const page = await fetch(game.url, { signal: AbortSignal.timeout(20_000) })
  assert.equal(page.headers.get('Referrer-Policy'), 'same-origin')
  const own = { Host: host, Origin: game.url, 'Sec-Fetch-Site': 'same-origin' }
  assert.equal(await statusAs(`${game.url}/answer`, 'POST', own), 422)
  for (const [question, answer, says] of [
    ['since', '12:00', /next question is "fault"/],
    ['fault', 'nonsense', /no fault of this name/],
    ['why', '', /no such question/],
  ] as [string, string, RegExp][])
    assert.match((await game.ask('/answer', { question, answer })).error!, says)
}

test('a game from its start to its answer: nothing names the fault before, everything after', async (t) => {
  const { fault } = draw(seed, 1, { exports: false, window: [2, 4] })
  assert.deepEqual([fault.name, fault.route], ['errors', 'GET /'])
  const game = await startGame(words)
  t.after(() => game.end())
  const { app, question, choices } = await game.ask()
  const { pid, folder, listed } = appOf(game)
  assert.equal(question, 'fault')
  assert.ok(choices.fault.length >= 18 && choices.route.length > 30)
  assert.match(await textOf(game.url), /What is it\?/)
  await refuses(game)
  await waitFor('nothing breaks', async () => (await fetch(app)).status === 500)
  // The traffic meets it, too, not only this test.
  await waitFor('no trace', async () =>
    (await look(app)).traces.some(
      ({ route, server }) =>
        route === 'GET /' && server?.attributes['http.response.status_code'] === 500,
    ),
  )

  const { traces, lines } = await look(app)
  const broken = await fetch(app)
  const seen = [
    listed.replaceAll(/--seed\0\d+/g, ''),
    readdirSync(folder).join(' '),
    JSON.stringify(traces),
    lines.map(({ text }) => text).join('\n'),
    await broken.text(),
    JSON.stringify([...broken.headers]),
    await textOf(`${app}/timeline`),
    await textOf(`${app}/traces/runtime`),
    JSON.stringify({ ...(await game.ask()), choices: [] }),
  ]
  for (const text of seen) assert.doesNotMatch(text, leaks)

  const rightSince = new Date(
    traces.find(({ server }) => server?.attributes['http.response.status_code'] === 500)!.at,
  ).toISOString()
  assert.equal((await game.ask('/hint', {})).error, undefined)
  assert.equal(
    (await game.ask('/answer', { question: 'fault', answer: 'errors' })).error,
    undefined,
  )
  const again = await game.ask('/answer', { question: 'fault', answer: 'latency' })
  assert.match(again.error!, /has its answer already/)
  await game.ask('/answer', { question: 'route', answer: 'everywhere' })
  await game.ask('/answer', { question: 'since', answer: rightSince.slice(11, 19) })
  const { result } = await untilOver(game)
  assert.deepEqual(
    [result!.ending, result!.truth.fault, result!.truth.route],
    ['answered', 'errors', 'GET /'],
  )
  const marks = Object.values(result!.score!.marks).map(({ right, points }) => [right, points])
  assert.deepEqual(marks, [
    [true, 60],
    [false, -10],
    [true, 20],
  ])
  assert.equal(result!.score!.points, 60, 'and a hint for 10')
  assert.deepEqual(await missingIn(result!.evidence), [])
  assert.match(await textOf(game.url), /60 of 100 points/)
  assert.match(await textOf(`${app}/logs?q=fault+ended`), /app\.fault\.since=/)
  assert.equal((await fetch(app)).status, 200, 'the fault has ended')

  assert.equal(await game.end(), 0)
  assert.ok(!existsSync(`/proc/${pid}`) && !existsSync(folder))
  await assert.rejects(fetch(game.url))
})

test('a stopped game is not scored; when a game is killed, its app ends', async (t) => {
  const game = await startGame(words)
  t.after(() => game.end())
  const { pid, folder } = appOf(game)
  t.after(() => {
    // What a game that is killed cannot remove.
    rmSync(folder, { recursive: true, force: true })
    for (const name of readdirSync(tmpdir()).filter((one) =>
      one.endsWith(`-${game.child.pid}.url`),
    ))
      rmSync(join(tmpdir(), name))
  })
  await game.ask('/stop', {})
  const { result } = await untilOver(game)
  assert.deepEqual([result!.ending, result!.score], ['stopped', null])
  assert.match(await textOf(game.url), /It is not scored/)
  const { error } = await game.ask('/answer', { question: 'fault', answer: 'errors' })
  assert.match(error!, /The game is over/)
  game.child.kill('SIGKILL')
  await waitFor('the app is still there', () => !existsSync(`/proc/${pid}`))
})
