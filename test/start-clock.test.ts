// The real process with a wrong clock (libfaketime, the package `faketime` of the distribution).
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { freshServerUrl } from './libsql-server.ts'
import { post, runTool, scratch, startServer, type Server } from './process.ts'
import { has, run } from './programs.ts'

type Env = Record<string, string>

/** The environment of a process whose clock is off by `offset`; without faketime undefined, and the test is skipped. */
function clock(t: TestContext): ((offset: string) => Env) | undefined {
  if (!has(t, 'faketime')) return undefined
  const { printed } = run('faketime', ['-f', '+0d', 'sh', '-c', 'echo $LD_PRELOAD'])
  // The monotonic clock is not changed, as when somebody sets the wall clock.
  const env = { LD_PRELOAD: printed.trim(), FAKETIME_DONT_FAKE_MONOTONIC: '1' }
  return (offset) => ({ ...env, FAKETIME: offset })
}

/** A user of the demo world, signed in now. */
async function enter({ url }: Server, user = 1) {
  const mailaddress = `user${String(user).padStart(4, '0')}@example.com`
  const answer = await post(`${url}/login`, { mailaddress, password: 'password123' })
  const cookie = answer!.headers.getSetCookie()[0]!.split(';')[0]!
  return async (path: string) => (await post(url + path, {}, cookie))?.status
}

const trends = async ({ url }: Server) => {
  const text = await (await fetch(`${url}/?limit=100`)).text()
  return [...text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))
}

/** Likes a tweet by the first users of the demo world, who have not liked it before. */
async function likes(server: Server, tweet: number, people: number) {
  for (let user = 1; user <= people; user++) {
    const act = await enter(server, user)
    await act(`/unfavorite/${tweet}`)
    assert.equal(await act(`/favorite/${tweet}`), 200, server.printed())
  }
}

/** Three users liked tweet 9 with the right clock, two liked 7 with a wrong one; the others are in the old order. */
function assertOrder(shown: number[], before: number[]) {
  const others = (ids: number[]) => ids.filter((id) => id !== 7 && id !== 9).slice(0, 90)
  assert.deepEqual(others(shown), others(before))
  const [right, wrong] = [shown.indexOf(9), shown.indexOf(7)]
  assert.ok(right >= 0 && (right < wrong || wrong === -1), `${right} ${wrong}`)
}

const loud = /"level":"(warn|error)"/

for (const offset of ['+154d', '+40d', '-118d'])
  test(`a start with the clock at ${offset}, old and new database: right again after the next start`, async (t) => {
    const off = clock(t)
    if (!off) return
    using place = scratch()
    for (const name of ['old', 'new']) {
      const env = { DATABASE_URL: `file:${place.folder}/${name}.db` }
      const order: number[] = []
      if (name === 'old') {
        await using before = await startServer(env)
        order.push(...(await trends(before)))
        await before.stop()
      }
      await using wrong = await startServer({ ...env, ...off(offset) })
      await likes(wrong, 7, 2)
      await wrong.stop()
      const found = runTool('db-check', [], env)
      // A clock behind looks like a pause, too; each start then counts from today.
      assert.equal(found.code, offset.startsWith('+') ? 1 : 0, found.printed)
      assert.match(
        found.printed,
        offset === '+40d' && name === 'old' ? /favorites \d+: weighs/ : /./,
      )
      if (name === 'new') {
        assert.equal(runTool('db-repair', [], env).code, 0)
        assert.match(runTool('db-check', [], env).printed, / has no problems/)
      }
      await using right = await startServer(env)
      await likes(right, 9, 3)
      if (name === 'old') assertOrder(await trends(right), order)
      await right.stop()
      assert.equal(
        runTool('db-check', [], env).printed,
        `${place.folder}/${name}.db has no problems.\n`,
      )
    }
  })

test('an instance that was stopped for 200 days, and for a year: no warning, the same trends, likes count', async (t) => {
  const off = clock(t)
  if (!off) return
  using place = scratch()
  const env = { DATABASE_URL: `file:${place.folder}/idle.db` }
  await using first = await startServer(env)
  const order = await trends(first)
  await first.stop()
  for (const offset of ['+200d', '+565d']) {
    await using later = await startServer({ ...env, ...off(offset) })
    assert.deepEqual(await trends(later), order)
    assert.doesNotMatch(later.printed(), loud)
    const act = await enter(later)
    assert.equal(await act('/favorite/7'), 200)
    assert.equal(await act('/unfavorite/7'), 200)
    await later.stop()
  }
  assert.equal(runTool('db-check', [], { ...env, ...off('+565d') }).code, 0)
})

test('clock 118 days behind at the start, corrected, then jumps of 117 days: likes work, trends are right in seconds', async (t) => {
  const off = clock(t)
  if (!off) return
  using place = scratch()
  const file = `${place.folder}/time`
  const { FAKETIME: _, ...preloaded } = off('+0d')
  const env = { ...preloaded, FAKETIME_TIMESTAMP_FILE: file, FAKETIME_NO_CACHE: '1' }
  writeFileSync(file, '-118d')
  const path = `file:${place.folder}/jump.db`
  await using server = await startServer({ DATABASE_URL: path, ...env })
  const order = await trends(server)
  const jumped = () => [...server.printed().matchAll(/clock jumped/g)].length
  for (const [count, offset] of ['+0d', '+117d', '-117d', '+0d'].entries()) {
    writeFileSync(file, offset)
    await likes(server, 7, 2)
    for (let tries = 0; jumped() <= count; tries++) {
      assert.ok(tries < 200, server.printed())
      await pause(100)
    }
    await likes(server, 7, 2)
  }
  await likes(server, 9, 3)
  assertOrder(await trends(server), order)
  await server.stop()
  assert.equal(runTool('db-check', [], { DATABASE_URL: path }).code, 0)
})

test('two processes on one libSQL server, clocks an hour apart, after a pause: scores are recounted once', async (t) => {
  const off = clock(t)
  if (!off) return
  using place = scratch()
  const database = await freshServerUrl(place.folder)
  const env = { DATABASE_URL: database.url }
  try {
    await using first = await startServer(env)
    const order = await trends(first)
    await first.stop()
    const both = await Promise.all(
      ['+200d', '+4801h'].map((offset) => startServer({ ...env, ...off(offset) })),
    )
    await using one = both[0]!
    await using other = both[1]!
    for (const server of both) assert.deepEqual(await trends(server), order)
    await likes(other, 7, 2)
    await likes(one, 9, 3)
    for (const server of both)
      assert.deepEqual(
        (await trends(server)).slice(2),
        order.filter((id) => id !== 7 && id !== 9).slice(0, 98),
      )
    await other.stop()
    await using again = await startServer({ ...env, ...off('+4801h') })
    for (const server of [one, again]) {
      assert.deepEqual(new Set((await trends(server)).slice(0, 2)), new Set([7, 9]))
      assert.doesNotMatch(server.printed(), loud)
    }
    await one.stop()
    await again.stop()
  } finally {
    await database.stop()
  }
})
