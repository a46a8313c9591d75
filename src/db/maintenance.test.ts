// Tests with wrong clocks: likes, trends, sessions, limits and displayed times.
import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { startApp, type Someone, type TestApp } from '../../test/harness.ts'
import { ago } from '../base/format.ts'
import { sessionJobs } from '../http/sessions.ts'
import { findAllProblems, repair } from './integrity.ts'
import { Maintenance, type Clocks } from './maintenance.ts'
import { rebaseTrends } from './trend-score.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'reads the database file'
const hour = 3_600_000
const day = 24 * hour

/** Two mocked clocks. `ahead` (ms) sets only the wall clock, which is `Date.now()`. `lived` (ms) moves both forward. */
function clockOf(t: TestContext) {
  const real = Date.now.bind(Date)
  const clock = { ahead: 0, lived: 0 }
  t.mock.method(Date, 'now', () => real() + clock.ahead + clock.lived)
  const clocks = { wall: () => Date.now(), steady: () => performance.now() + clock.lived }
  return Object.assign(clock, { clocks })
}

const maintenanceOf = ({ database }: TestApp, clocks?: Clocks) =>
  new Maintenance({ database, sessions: sessionJobs, ...(clocks && { clocks }) })

const trends = async (app: TestApp) => {
  const { text } = await app.visitor().get('/?limit=100', { as: 'browser' })
  return [...text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))
}
type Person = Awaited<ReturnType<TestApp['person']>>
/** Likes or unlikes. A person whose session the clock has ended signs in again. */
async function act(path: string, ...people: Person[]) {
  for (const who of people) {
    let answer = await who.post(path)
    if (answer.status === 401) {
      await signIn(who)
      answer = await who.post(path)
    }
    assert.equal(answer.status, 200, answer.text)
  }
}
const names = ['Ann', 'Ben', 'Cleo']
/** `town` creates people in the order of `names`, so their ids are 1, 2 and 3. */
async function signIn(who: Person) {
  const name = names[who.id - 1]!
  const mailaddress = `${name.toLowerCase()}@example.org`
  await who.post('/login', { mailaddress, password: `password-of-${name}` })
}
const like = (tweet: number, ...people: Person[]) => act(`/favorite/${tweet}`, ...people)
const unlike = (tweet: number, ...people: Person[]) => act(`/unfavorite/${tweet}`, ...people)
const epochOf = async (app: TestApp) =>
  Number((await app.database.db.values(sql`select epoch from trends`))[0]![0])
const onFile = <T>(app: TestApp, job: (db: Database.Database) => T): T => {
  const db = new Database(app.url.replace('file:', ''))
  try {
    return job(db)
  } finally {
    db.close()
  }
}
/** Creates three people, and a tweet for each of the words. */
async function town(app: TestApp, ...words: string[]) {
  const people: Person[] = []
  for (const name of names) people.push(await app.person(name))
  const tweets: number[] = []
  for (const word of words) tweets.push(await people[0]!.tweet(word))
  return { people, tweets }
}

for (const days of [40, 117, 154, 3650, -1, -117, -118, -3650])
  test(`a clock ${days} days off: likes never fail, and trends are right after it is corrected`, async (t) => {
    const clock = clockOf(t)
    await using app = await startApp()
    const { people, tweets } = await town(app, 'before', 'meanwhile', 'after')
    const [before, meanwhile, after] = tweets as [number, number, number]
    const { db } = app.database
    await like(before, ...people)
    clock.ahead = days * day
    await like(meanwhile, ...people.slice(0, 2)) // the clock of a running process jumps
    await unlike(meanwhile, people[0]!)
    await maintenanceOf(app).start() // a process starts on the wrong clock
    await like(meanwhile, people[0]!, people[2]!)
    await maintenanceOf(app).start()
    clock.ahead = 0
    await like(after, people[0]!)
    await unlike(after, people[0]!)
    await maintenanceOf(app).start()
    await like(after, ...people)
    const shown = await trends(app)
    assert.equal(shown[0], after)
    if (days < 0) assert.deepEqual(shown, [after, before, meanwhile], 'its likes had old times')
    const age = Date.now() - (await epochOf(app))
    assert.ok(age >= 10 * day && age <= 100 * day, `${age / day} days`)
    assert.equal(await rebaseTrends(db, Date.now()), undefined, 'nothing left to do')
    if (!filesOnly) assert.deepEqual(onFile(app, findAllProblems), [])
  })

test('a running process corrects trends within seconds after the clock is right again, without a like', async (t) => {
  const clock = clockOf(t)
  await using app = await startApp()
  const { people, tweets } = await town(app, 'before', 'meanwhile')
  const maintenance = maintenanceOf(app, clock.clocks)
  await like(tweets[0]!, ...people)
  for (const days of [117, -117, 40, 20]) {
    clock.ahead = days * day
    await maintenance.run()
    await like(tweets[1]!, ...people.slice(0, 2))
    clock.ahead = 0
    await maintenance.run()
    assert.deepEqual(await trends(app), tweets, `${days} days`)
    const age = Date.now() - (await epochOf(app))
    assert.ok(Math.abs(age - 30 * day) < hour)
    await unlike(tweets[1]!, ...people.slice(0, 2))
  }
})

for (const days of [200, 365])
  test(`after ${days} days without likes the order of trends stays, and new likes come first`, async (t) => {
    const clock = clockOf(t)
    await using app = await startApp()
    const { people, tweets } = await town(app, 'first', 'second', 'third', 'last')
    const { db } = app.database
    for (const [index, tweet] of tweets.slice(0, 3).entries()) {
      await like(tweet, ...people.slice(0, 3 - (index % 2)))
      clock.lived += [2, 9, 0][index]! * day
    }
    const order = await trends(app)
    assert.deepEqual(order, tweets.slice(0, 3).toReversed())
    clock.lived += days * day
    assert.equal(await rebaseTrends(db, Date.now()), 'pause')
    assert.deepEqual(await trends(app), order)
    for (const who of people)
      await who.post('/login', { mailaddress: 'x@example.org', password: 'x' })
    await like(tweets[3]!, people[0]!, people[1]!)
    assert.deepEqual(await trends(app), [tweets[3], ...order])
    assert.equal(await rebaseTrends(db, Date.now()), undefined)
    if (!filesOnly) assert.deepEqual(onFile(app, findAllProblems), [])
  })

test('of two processes that have both read an old epoch, the second one changes nothing and says so', async (t) => {
  const clock = clockOf(t)
  await using app = await startApp()
  const { people, tweets } = await town(app, 'of the one', 'of the other')
  await like(tweets[0]!, ...people)
  const { db } = app.database
  clock.lived += 75 * day + 30 * day
  const now = Date.now()
  const state = async () =>
    JSON.stringify([
      await db.all(sql`select id, weight from favorites order by id`),
      await db.all(sql`select id, trend_score from tweets order by id`),
      await epochOf(app),
    ])
  // The second process has read the epoch. Before it writes, the first one does all its work, and somebody likes.
  let afterTheFirst = ''
  const second = app.database.through((client) =>
    Object.assign(Object.create(client) as typeof client, {
      batch: async (...given: Parameters<typeof client.batch>) => {
        assert.equal(await rebaseTrends(db, now), 'pause')
        await like(tweets[1]!, ...people)
        afterTheFirst = await state()
        return client.batch(...given)
      },
    }),
  )
  assert.equal(await rebaseTrends(second, now + hour), undefined)
  assert.notEqual(afterTheFirst, '')
  assert.equal(await state(), afterTheFirst)
})

test('two processes with clocks an hour apart do not undo each other, even if both find an old epoch', async (t) => {
  const clock = clockOf(t)
  await using app = await startApp()
  const { people, tweets } = await town(app, 'of the one', 'of the other')
  const { db } = app.database
  clock.lived += 75 * day
  const now = Date.now()
  await Promise.all([rebaseTrends(db, now), rebaseTrends(db, now + hour)])
  const epoch = await epochOf(app)
  for (const ahead of [hour, 0, hour, 0]) {
    clock.ahead = ahead
    await like(tweets[ahead === 0 ? 1 : 0]!, ...people)
    for (const one of [hour, 0]) {
      clock.ahead = one
      assert.equal(await rebaseTrends(db, Date.now()), undefined)
    }
  }
  assert.equal(await epochOf(app), epoch)
  assert.equal((await trends(app)).length, 2)
})

test(
  'the check finds what a wrong clock has left, and repair corrects it',
  { skip: filesOnly },
  async (t) => {
    const clock = clockOf(t)
    await using app = await startApp()
    const { people, tweets } = await town(app, 'before', 'meanwhile')
    await like(tweets[0]!, ...people)
    clock.ahead = 40 * day
    await like(tweets[1]!, ...people.slice(1))
    clock.ahead = 0
    assert.deepEqual(await trends(app), tweets.toReversed())
    assert.match(
      onFile(app, findAllProblems).join('\n'),
      /^favorites 4: weighs more .*\nfavorites 5: /,
    )
    onFile(app, repair)
    assert.deepEqual(onFile(app, findAllProblems), [])
    assert.deepEqual(await trends(app), tweets)
    const damages = [
      [sql`update trends set epoch = epoch + ${124 * day}`, /^trends: scores are counted from 20/m],
      [sql`delete from trends`, /^trends: .* is missing/m],
    ] as const
    for (const [damage, sentence] of damages) {
      await app.database.db.run(damage)
      await unlike(tweets[0]!, people[0]!)
      await like(tweets[0]!, people[0]!)
      assert.match(onFile(app, findAllProblems).join('\n'), sentence)
      onFile(app, repair)
      assert.deepEqual(onFile(app, findAllProblems), [])
      assert.deepEqual(await trends(app), tweets)
    }
  },
)

test(
  'a like taken back after ten days without likes is not reported as a problem',
  { skip: filesOnly },
  async (t) => {
    const clock = clockOf(t)
    await using app = await startApp()
    const { people, tweets } = await town(app, 'quiet')
    await like(tweets[0]!, ...people.slice(1))
    clock.lived += 10 * day
    await like(tweets[0]!, people[0]!)
    await unlike(tweets[0]!, people[0]!)
    assert.deepEqual(onFile(app, findAllProblems), [])
  },
)

test('sessions from a clock that was ahead still expire; a clock that is wrong for hours ends none', async (t) => {
  const clock = clockOf(t)
  await using app = await startApp()
  const { db } = app.database
  const early = await app.person('Early')
  const isIn = async (who: Someone) => (await who.get('/timeline')).status === 200
  clock.ahead = 154 * day
  const maintenance = maintenanceOf(app, clock.clocks)
  await maintenance.start()
  const late = await app.person('Late')
  assert.ok(await isIn(late))
  clock.lived += 23 * hour
  await maintenance.run()
  clock.ahead = 0
  await maintenance.run()
  assert.ok(await isIn(early), 'not deleted by the wrong clock')
  assert.ok(await isIn(late))
  clock.ahead = -118 * day
  await maintenance.run()
  clock.lived += 23 * hour
  await maintenance.run()
  assert.ok(await isIn(early))
  clock.ahead = 0
  await maintenance.run()
  assert.ok(await isIn(early))
  clock.lived += 25 * hour
  await maintenance.run()
  assert.ok(await isIn(late))
  for (let days = 0; days < 89; days += 10) {
    clock.lived += 10 * day
    const before = days < 80
    assert.equal(await isIn(late), before, `${days + 10} days later`)
  }
  await maintenance.run()
  await maintenance.run()
  assert.equal(Number((await db.values(sql`select count(*) from sessions`))[0]![0]), 0)
})

test('after the clock is set back, Retry-After is at most the duration of the limit, and the limit ends', async (t) => {
  const clock = clockOf(t)
  await using app = await startApp({ LIMIT_WRITE: '2/1' })
  const ann = await app.person('Ann')
  const post = () => ann.post('/tweet', { msg: `at ${clock.ahead}` })
  await post()
  await post()
  clock.ahead = -40 * day
  const refused = await post()
  assert.equal(refused.status, 429)
  assert.equal(refused.headers.get('Retry-After'), '1')
  assert.match(refused.text, /1 second\b/)
  await new Promise((done) => setTimeout(done, 1200))
  assert.equal((await post()).status, 200)
})

test('a tweet from the future shows its date, and one from a clock an hour ahead shows "now"', async (t) => {
  const clock = clockOf(t)
  await using app = await startApp()
  const ann = await app.person('Ann')
  clock.ahead = 400 * day
  const maintenance = maintenanceOf(app, clock.clocks)
  await maintenance.start()
  await ann.post('/login', { mailaddress: 'ann@example.org', password: 'password-of-Ann' })
  const tomorrow = await ann.tweet('from the future')
  clock.ahead = hour
  await ann.tweet('from next door')
  clock.ahead = 0
  const own = await ann.tweet('of now')
  const { text } = await ann.get('/timeline')
  assert.match(text, new RegExp(`/tweet/${tomorrow}"\\s*><time [^>]*>[A-Z][a-z]{2} \\d+, \\d{4}<`))
  assert.equal([...text.matchAll(/<time [^>]*>now</g)].length, 2)
  assert.match(text, new RegExp(`data-tweet-id="${own}"[\\s\\S]*data-tweet-id="${tomorrow}"`))
  assert.equal(ago(2 * day, day / 2), 'Jan 3')
})

test('other daily jobs run once a day, with sessions; one that fails stops no other', async (t) => {
  await using app = await startApp()
  const clock = clockOf(t)
  const ran: number[] = []
  const daily = [
    () => Promise.reject(new Error('failed')),
    async (_: unknown, now: number) => void ran.push(now),
  ]
  const { database } = app
  const maintenance = new Maintenance({
    database,
    sessions: sessionJobs,
    daily,
    clocks: clock.clocks,
  })
  await maintenance.start()
  await maintenance.run()
  assert.equal(ran.length, 0)
  for (const hours of [23, 25, 26, 48, 50]) {
    clock.lived = hours * 3_600_000
    await maintenance.run()
  }
  assert.equal(ran.length, 2)
  assert.ok(Math.abs(ran[1]! - Date.now()) < 60_000)
})
