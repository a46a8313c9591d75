// `npm run seed`: large worlds.
import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import test from 'node:test'

import Database from 'libsql'

import { foundIn } from '../src/base/parse-text.ts'
import { post, runTool, scratch, startServer } from './process.ts'

const small = ['--users', '150', '--tweets', '3000', '--until', '2026-01-31T12:00:00Z']

test('a world is complete and has no problems, and everybody can sign in', async () => {
  using place = scratch()
  const path = `${place.folder}/deep/world.db`
  const env = { DATABASE_URL: `file:${path}`, LOG_LEVEL: 'silent' }
  const made = runTool('seed', small, env)
  assert.equal(made.code, 0, made.printed)
  assert.match(made.printed, /150 users, 3,000 tweets, 5,587 follows and 3,000 likes in/)
  assert.deepEqual(runTool('db-check', [], env), { code: 0, printed: `${path} has no problems.\n` })
  assert.deepEqual(
    readdirSync(`${place.folder}/deep`).filter((file) => !file.includes('.lock.')),
    ['world.db'],
  )
  await using server = await startServer(env)
  for (const mailaddress of ['user0001@example.com', 'user0150@example.com']) {
    const login = await post(`${server.url}/login`, { mailaddress, password: 'password123' })
    assert.equal(login?.status, 303)
    const cookie = login.headers.getSetCookie()[0]!.split(';')[0]!
    const get = async (route: string) =>
      (await fetch(server.url + route, { headers: { Cookie: cookie } })).text()
    for (const route of ['/', '/timeline', '/user/1', '/search?q=asked'])
      assert.equal((await get(route)).match(/<article /g)?.length, 20, route)
    assert.equal((await post(`${server.url}/tweet`, { msg: 'I am new' }, cookie))?.status, 200)
  }
  await server.stop()
  assert.equal(runTool('db-check', [], env).code, 0, 'the triggers are there again')
})

test('followers, likes and tweets follow power laws; ids grow with time; handles are valid', () => {
  using place = scratch()
  const path = `${place.folder}/world.db`
  assert.equal(runTool('seed', small, { DATABASE_URL: `file:${path}` }).code, 0)
  const db = new Database(path)
  const one = (sql: string) => db.prepare(sql).raw().all([])[0] as number[]
  const [followers, following, likes, tweets] = one(
    `SELECT max(follower_count) / avg(follower_count), max(following_count) / avg(following_count),
      (SELECT max(like_count) FROM tweets), max(tweet_count) / avg(tweet_count) FROM users`,
  )
  assert.ok(followers! > 2 && following! > 2 && likes! > 20 && tweets! > 5)
  for (const table of ['tweets', 'follows', 'favorites'])
    assert.deepEqual(
      one(`SELECT count(*) FROM ${table} a JOIN ${table} b ON b.id = a.id + 1
        WHERE b.created_at < a.created_at`),
      [0],
    )
  assert.deepEqual(
    one(`SELECT count(*) FROM users WHERE handle NOT GLOB '[a-z]*' OR length(handle) > 20
      OR handle GLOB '*[^a-z0-9_]*' OR handle GLOB 'u[0-9]*' OR demo = 0`),
    [0],
  )
  db.close()
})

test('12 % are replies, 8 % retweets; few tweets, people and tags get most of them', () => {
  using place = scratch()
  const path = `${place.folder}/world.db`
  assert.equal(runTool('seed', small, { DATABASE_URL: `file:${path}` }).code, 0)
  const db = new Database(path)
  const row = (sql: string) => db.prepare(sql).raw().all([])[0] as number[]
  assert.deepEqual(row('SELECT count(reply_to), count(retweet_of) FROM tweets'), [360, 240])
  const [replies, retweets, deep] = row(`SELECT max(reply_count), max(retweet_count),
    sum(reply_to IN (SELECT id FROM tweets WHERE reply_to IS NOT NULL)) FROM tweets`)
  assert.ok(replies! >= 10 && retweets! >= 5 && deep! > 5, `${replies}, ${retweets}, ${deep}`)
  // Each comes after what it refers to, and that is no retweet.
  assert.deepEqual(
    row(`SELECT count(*) FROM tweets JOIN tweets target
      ON target.id = coalesce(tweets.reply_to, tweets.retweet_of)
      WHERE target.id < tweets.id AND target.retweet_of IS NULL`),
    [600],
  )
  assert.deepEqual(
    row(`SELECT count(*) FROM tweets JOIN tweets target ON target.id = tweets.reply_to
      WHERE tweets.in_timeline <> (target.in_timeline AND target.user_id = tweets.user_id)`),
    [0],
  )
  const texts = db.prepare("SELECT msg FROM tweets WHERE msg <> ''").raw().all([]) as string[][]
  const most = (pattern: RegExp) => {
    const found = texts.flatMap(([msg]) => msg!.match(pattern) ?? [])
    const uses = new Map<string, number>()
    for (const one of found) uses.set(one, (uses.get(one) ?? 0) + 1)
    return { all: found.length, most: Math.max(...uses.values()), kinds: uses.size }
  }
  const [tags, mentions] = [most(/#[a-z]+$/), most(/@[a-z0-9_]+(?= #)/)]
  assert.equal(tags.all, 2760)
  assert.ok(tags.most > 60 && tags.kinds > 500, JSON.stringify(tags))
  assert.ok(
    mentions.all >= 340 && mentions.most > 40 && mentions.kinds > 80,
    JSON.stringify(mentions),
  )
  // The rows of mentions are those that posting would have written; db:check has looked at those of tags.
  const ids = new Map(
    db.prepare('SELECT handle, id FROM users').raw().all([]) as [string, number][],
  )
  const expected = (
    db.prepare('SELECT id, user_id, msg FROM tweets').raw().all([]) as [number, number, string][]
  ).flatMap(([id, author, msg]) =>
    foundIn(msg)
      .handles.flatMap((handle) => ids.get(handle) ?? [])
      .filter((person) => person !== author)
      .map((person) => `${id} ${person}`),
  )
  const mentioned = db.prepare('SELECT tweet_id, user_id FROM mentions').raw().all([])
  assert.deepEqual((mentioned as number[][]).map((pair) => pair.join(' ')).sort(), expected.sort())
  db.close()
})

test('the same arguments create the same file, another seed another world', () => {
  using place = scratch()
  const world = (name: string, words: string[]) => {
    const path = `${place.folder}/${name}.db`
    assert.equal(runTool('seed', words, { DATABASE_URL: `file:${path}` }).code, 0)
    return readFileSync(path)
  }
  const first = world('first', small)
  assert.ok(first.equals(world('second', small)))
  assert.ok(!first.equals(world('third', [...small, '--seed', '2'])))
})

test('worlds of all sizes', () => {
  using place = scratch()
  const sizes = [
    ['1', '0'],
    ['1', '1'],
    ['2', '300', '--follows', '2', '--likes', '30'],
    ['40', '7', '--follows', '1560', '--likes', '14'],
    ['101', '2', '--follows', '0', '--likes', '0'],
  ]
  for (const [index, [users, tweets, ...more]] of sizes.entries()) {
    const env = { DATABASE_URL: `file:${place.folder}/${index}.db` }
    const made = runTool('seed', ['--users', users!, '--tweets', tweets!, ...more], env)
    assert.equal(made.code, 0, made.printed)
    if (more.length > 0)
      assert.match(
        made.printed,
        new RegExp(` ${more[1]!.replace('1560', '1,560')} follows and ${more[3]} likes`),
      )
    assert.equal(runTool('db-check', [], env).code, 0)
  }
})

test('it overwrites no file, and names the wrong argument', () => {
  using place = scratch()
  const path = `${place.folder}/taken.db`
  const env = { DATABASE_URL: `file:${path}` }
  const refused = (words: string[], sentence: RegExp, settings = env) => {
    const { code, printed } = runTool('seed', words, settings)
    assert.equal(code, 1)
    assert.match(printed, sentence)
    assert.equal(printed.trim().split('\n').length, 1, printed)
  }
  refused([], /--users is missing: npm run seed -- --users N --tweets M/)
  refused(['--users', '10'], /--tweets is missing/)
  refused(['--users', 'ten', '--tweets', '5'], /--users is "ten", but it accepts a number from 1/)
  refused(['--users', '0', '--tweets', '5'], /--users is "0"/)
  refused(['--users', '10', '--tweets', '1.5'], /--tweets is "1.5"/)
  refused(['--users', '10', '--tweets', '5', '--follows', '91'], /--follows is 91, .* at most 90/)
  refused(['--users', '10', '--tweets', '20', '--likes', '11'], /--likes is 11, .* at most 10/)
  refused(['--users', '10', '--tweets', '5', '--seed', '-1'], /'--seed'.*--help/)
  refused(['--users', '10', '--tweets', '5', '--until', 'now'], /--until is "now"/)
  refused(['--users', '10', '--tweets', '5', '--size', '3'], /'--size'/)
  refused(small, /database files/, { DATABASE_URL: 'http://127.0.0.1:8080' })
  assert.deepEqual(readdirSync(place.folder), [])
  writeFileSync(path, 'mine')
  refused(small, /exists already/)
  assert.equal(readFileSync(path, 'utf8'), 'mine')
  assert.deepEqual(readdirSync(place.folder), ['taken.db'])
  assert.equal(runTool('seed', ['--help'], env).code, 0)
})
