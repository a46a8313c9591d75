// Retweets: a row that stands for its original, for each kind of client.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../test/budget.ts'
import { startApp, told, type Answer, type TestApp } from '../../test/harness.ts'
import { explain } from '../db/db.ts'
import { cardLookups } from '../ui/fragment-cache.ts'

const bySql = async (app: TestApp, text: string) => {
  const rows = await app.database.db.values<[number]>(sql.raw(text))
  return rows.map((row) => Object.values(row)[0])
}

/** The cards of a page: the id of the row, and that of the tweet. */
const cards = ({ text }: Pick<Answer, 'text'>) =>
  [...text.matchAll(/<article class="tweet" id="tweet-(\d+)" data-tweet-id="(\d+)"/g)].map(
    ([, row, id]) => (row === id ? Number(id) : `${row} of ${id}`),
  )

const words = ({ text }: Answer) =>
  text.replace(/<script[\s\S]*?<\/script>|<[^>]*>/g, ' ').replace(/\s+/g, ' ')

/** Alice writes, Bob passes it on, Carol follows Bob. */
async function town() {
  const app = await startApp()
  const [alice, bob, carol] = [
    await app.person('Alice'),
    await app.person('Bob'),
    await app.person('Carol'),
  ]
  await carol.post(`/follow/${bob.id}`)
  return { app, alice, bob, carol, id: await alice.tweet('Where is the goose?') }
}

test('a retweet is in the timeline and on the profile as the original, and counts for nothing else', async () => {
  const { app, alice, bob, carol, id } = await town()
  await using _ = app
  const before = await bob.get('/@bob')
  assert.match(words(before), / 0 posts/)
  await bob.post(`/retweet/${id}`)
  await alice.post(`/favorite/${id}`)
  await carol.post(`/favorite/${id}`)
  const row = id + 1

  const timeline = await carol.get('/timeline', { as: 'browser' })
  assert.deepEqual(cards(timeline), [`${row} of ${id}`])
  assert.match(words(timeline), /Bob reposted Alice @alice now Where is the goose\?/)
  assert.match(timeline.text, new RegExp(`aria-labelledby="passed-${row} by-${row}"`))
  assert.match(timeline.text, new RegExp(`hx-post="/unfavorite/${id}"`), 'forms have the original')
  assert.match(timeline.text, new RegExp(`class="timestamp" href="/tweet/${id}"`))
  assert.match(timeline.text, /aria-label="Repost, 1 repost"/)
  assert.match(timeline.text, /aria-label="Like, 2 likes"/)
  assert.doesNotMatch(timeline.text, /href="\/tweet\/\d+\/delete"/, 'it is of Alice')
  expectQueries(timeline, 2)

  const profile = await bob.get('/@bob', { as: 'browser' })
  assert.deepEqual(cards(profile), [`${row} of ${id}`])
  assert.match(words(profile), / 0 posts/, 'it is no post of Bob')
  for (const [path, shown] of [
    ['/', [id]],
    ['/@alice', [id]],
    ['/@bob/replies', []],
    ['/search?q=goose', [id]],
    ['/favorites', [id]],
  ] as const)
    assert.deepEqual(cards(await carol.get(path)), shown, path)
  assert.deepEqual(cards(await carol.get('/search?q=%22%22')), [])
})

test('the newest posts of a quiet instance have no retweets', async () => {
  const { app, bob, id } = await town()
  await using _ = app
  await bob.post(`/retweet/${id}`)
  assert.deepEqual(cards(await app.visitor().get('/', { as: 'browser' })), [id])
})

test('each kind of client: retweet twice is one, undo twice is none; gone is 404 in words', async () => {
  const { app, bob, id } = await town()
  await using _ = app
  const retweets = () => bySql(app, 'select count(*) from tweets where retweet_of is not null')
  assert.deepEqual(JSON.parse((await bob.post(`/retweet/${id}`)).text), { success: true })
  assert.deepEqual(JSON.parse((await bob.post(`/retweet/${id}`)).text), { success: true })
  assert.deepEqual(await retweets(), [1])
  assert.deepEqual(await bySql(app, `select retweet_count from tweets where id = ${id}`), [1])
  const headers = { Referer: 'http://localhost:5000/@alice' }
  const browser = await bob.post(`/unretweet/${id}`, undefined, { as: 'browser', headers })
  assert.equal(told(browser), `303 /@alice#tweet-${id}`)
  assert.equal(told(await bob.post(`/unretweet/${id}`)), '200 json')
  assert.deepEqual(await retweets(), [0])
  const htmx = await bob.post(`/retweet/${id}`, undefined, { as: 'htmx' })
  assert.match(
    htmx.text,
    /^<hx-partial hx-target="\[data-tweet-id=&quot;1&quot;\] .retweet" hx-swap="outerMorph"><button class="retweet on"[^>]*hx-post="\/unretweet\/1"/,
  )
  assert.match(htmx.text, /aria-pressed="true" aria-label="Repost, 1 repost"/)
  expectQueries(htmx, 3)
  assert.equal(told(await app.visitor().post(`/retweet/${id}`)), '401 json')
  for (const path of ['/retweet/999', '/unretweet/999'])
    assert.deepEqual(JSON.parse((await bob.post(path)).text), { error: 'There is nothing here.' })
})

test("a retweet's id stands for its original, in every action", async () => {
  const { app, alice, bob, carol, id } = await town()
  await using _ = app
  await bob.post(`/retweet/${id}`)
  const row = id + 1
  for (const as of ['browser', 'htmx', 'program'] as const)
    assert.equal(told(await app.visitor().get(`/tweet/${row}`, { as })), `302 /tweet/${id}`)
  const liked = await carol.post(`/favorite/${row}`, undefined, { as: 'htmx' })
  assert.match(liked.text, /data-tweet-id=&quot;1&quot;[\s\S]*hx-post="\/unfavorite\/1"/)
  assert.deepEqual(await bySql(app, 'select tweet_id from favorites'), [id])
  await carol.post(`/unfavorite/${row}`)
  assert.deepEqual(await bySql(app, 'select tweet_id from favorites'), [])
  await carol.post(`/retweet/${row}`)
  assert.deepEqual(await bySql(app, 'select retweet_of from tweets where id > 1'), [id, id])
  await carol.post(`/unretweet/${row}`)
  assert.deepEqual(await bySql(app, 'select user_id from tweets where id > 1'), [bob.id])
  const reply = await carol.post('/tweet', { msg: 'On the bench', reply_to: String(row) })
  assert.deepEqual(JSON.parse(reply.text), { success: true, reply_to: id })
  const quote = await carol.post('/tweet', { msg: 'Good question', quote: String(row) })
  assert.deepEqual(JSON.parse(quote.text), { success: true, quote: id })

  // Only the deletion is of the row itself.
  assert.equal((await alice.get(`/tweet/${row}/delete`)).status, 403)
  assert.equal((await alice.post(`/tweet/${row}/delete`)).status, 404)
  assert.match(words(await bob.get(`/tweet/${row}/delete`)), /Delete this repost\?.*The post stays/)
  const gone = await bob.post(`/tweet/${row}/delete`, undefined, { as: 'htmx' })
  assert.match(gone.text, /#my-tweets b">0</, 'it was no post')
  assert.equal((await bob.get(`/tweet/${id}`)).status, 200)
  assert.deepEqual(await bySql(app, `select retweet_count from tweets where id = ${id}`), [0])
})

test('a deleted tweet takes its retweets along, and asks before', async () => {
  const { app, alice, bob, carol, id } = await town()
  await using _ = app
  await bob.post(`/retweet/${id}`)
  await carol.post(`/retweet/${id}`)
  assert.match(words(await alice.get(`/tweet/${id}/delete`)), /Its reposts go with it/)
  assert.match((await alice.get('/timeline')).text, /hx-confirm="[^"]*Its reposts go with it/)
  const gone = await alice.post(`/tweet/${id}/delete`, undefined, { as: 'htmx' })
  assert.match(gone.text, /hx-target="\[data-tweet-id=&quot;1&quot;\]" hx-swap="delete"/)
  assert.deepEqual(await bySql(app, 'select count(*) from tweets'), [0])
  assert.deepEqual(cards(await carol.get('/timeline')), [])
  assert.equal((await bob.get(`/tweet/${id + 1}`)).status, 404)
  assert.deepEqual(await bySql(app, 'select tweet_count from users'), [0, 0, 0])
})

test('an original twice in a slice is shown once; the cursor and "more" count the rows', async () => {
  const { app, alice, bob, carol } = await town()
  await using _ = app
  await carol.post(`/follow/${alice.id}`)
  // Rows 1 to 30: fifteen posts, each retweeted at once, twice on the page.
  await bySql(app, 'delete from tweets returning id')
  const first = (await alice.tweet('post 0')) - 1
  await bob.post(`/retweet/${first + 1}`)
  for (let n = 1; n < 15; n++) await bob.post(`/retweet/${await alice.tweet(`post ${n}`)}`)
  const at = (row: number) => first + row
  const top = await carol.get('/timeline', { as: 'browser' })
  const expected = [30, 28, 26, 24, 22, 20, 18, 16, 14, 12].map(
    (row) => `${at(row)} of ${at(row - 1)}`,
  )
  assert.deepEqual(cards(top), expected)
  const next = /hx-get="([^"]*before=[^"]*)"/.exec(top.text)![1]!.replaceAll('&amp;', '&')
  assert.equal(next, `/timeline?before=${at(11)}&from=11`)
  const rest = await carol.get(next, { as: 'htmx' })
  assert.deepEqual(
    cards(rest),
    [10, 8, 6, 4, 2].map((row) => `${at(row)} of ${at(row - 1)}`),
  )
  assert.equal(rest.headers.get('HX-Replace-Url'), `/timeline?through=${at(1)}`)
  const again = await carol.get(`/timeline?through=${at(11)}`, { as: 'browser' })
  assert.deepEqual(cards(again), expected)
  assert.match(again.text, new RegExp(`before=${at(11)}&amp;from=11`))
  // In two slices it is there twice, under two ids.
  const small = await carol.get('/timeline?limit=1')
  const second = await carol.get(`/timeline?limit=1&before=${at(30)}`)
  assert.deepEqual([...cards(small), ...cards(second)], [`${at(30)} of ${at(29)}`, at(29)])
})

test('the cached card of a retweet is not that of its original, nor of another retweet', async () => {
  const { app, alice, bob, carol, id } = await town()
  await using _ = app
  await bob.post(`/retweet/${id}`)
  await carol.post(`/retweet/${id}`)
  const reader = await app.person('Dora')
  for (let round = 0; round < 2; round++) {
    const { misses } = cardLookups
    assert.match(words(await reader.get('/@bob')), /Bob reposted Alice/)
    assert.match(words(await reader.get('/@carol')), /Carol reposted Alice/)
    assert.doesNotMatch(words(await reader.get('/@alice')), /reposted/)
    assert.equal(cardLookups.misses - misses, round === 0 ? 3 : 0, 'each has its own place')
  }
  await alice.post('/account/profile', { name: 'Alicia', bio: '' })
  await bob.post('/account/profile', { name: 'Robert', bio: '' })
  assert.match(words(await reader.get('/@bob')), /Robert reposted Alicia/)
})

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'plans are those of the file'

test(
  'a profile of 10,000 retweets, and a tweet with 10,000: the plans read a slice',
  { skip: filesOnly },
  async () => {
    const { app, bob, carol, id } = await town()
    await using _ = app
    const { db } = app.database
    const series = sql`with recursive s(n) as (select 1 union all select n + 1 from s where n < 10000)`
    await db.run(
      sql`insert into users (name, handle, mailaddress, password_hash, created_at)
      ${series} select 'P' || n, 'p' || n, 'p' || n || '@example.org', '', 1 from s`,
    )
    await db.run(sql`insert into tweets (user_id, msg, created_at, retweet_of)
    select users.id, '', 1, ${id} from users where handle glob 'p[0-9]*'`)
    await db.run(
      sql`insert into tweets (user_id, msg, created_at) ${series} select 1, 'post ' || n, 1 from s`,
    )
    await db.run(sql`insert into tweets (user_id, msg, created_at, retweet_of)
    select ${bob.id}, '', 1, id from tweets where user_id = 1 and id > ${id}`)
    for (const path of ['/@bob', '/timeline', `/tweet/${id}`]) {
      const page = await carol.get(path, { as: 'browser' })
      assert.equal(cards(page).length, path.startsWith('/tweet') ? 1 : 20, path)
      const texts = page.queries.map((span) => String(span.attributes['db.query.text']))
      const steps = (await Promise.all(texts.map((text) => explain(db, text)))).flat()
      const plan = steps.map(({ step }) => step)
      const covering = /SEARCH tweets USING COVERING INDEX tweets_timeline \(user_id=\? AND id<\?\)/
      assert.ok(
        path.startsWith('/tweet') || plan.some((step) => covering.test(step)),
        plan.join('\n'),
      )
      assert.ok(
        plan.some((step) =>
          /SEARCH mine USING COVERING INDEX tweets_retweeted_once \(user_id=\? AND retweet_of=\?\)/.test(
            step,
          ),
        ),
        plan.join('\n'),
      )
      assert.deepEqual(
        plan.filter((step) => /^SCAN (tweets|users|passer|quoted|mine|given|target)\b/.test(step)),
        [],
      )
    }
    assert.match((await carol.get(`/tweet/${id}`)).text, /aria-label="Repost, 10,000 reposts"/)
  },
)

test('random actions of all kinds, also of a person who leaves: the counters equal a recount', async () => {
  const { app, alice, bob, carol } = await town()
  await using _ = app
  const people = [alice, bob, carol, await app.person('Dora')]
  let seed = 7
  const upTo = (n: number) => (seed = (seed * 48271) % 2147483647) % n
  const statuses = new Map<number, number>()
  for (let round = 0; round < 40; round++) {
    const answers = await Promise.all(
      Array.from({ length: 8 }, () => {
        const who = people[upTo(people.length)]!
        const id = String(1 + upTo(60))
        const actions = ['favorite', 'unfavorite', 'retweet', 'retweet', 'unretweet', 'delete']
        const posts = [{}, { reply_to: id }, { quote: id }]
        const at = upTo(actions.length + 3)
        if (at >= actions.length)
          return who.post('/tweet', { msg: `about ${id}`, ...posts[at - actions.length] })
        return who.post(actions[at] === 'delete' ? `/tweet/${id}/delete` : `/${actions[at]}/${id}`)
      }),
    )
    for (const { status } of answers) statuses.set(status, (statuses.get(status) ?? 0) + 1)
  }
  assert.deepEqual(new Set(statuses.keys()), new Set([200, 404]))
  assert.ok(statuses.get(200)! > 100)
  assert.equal((await bob.post('/account/delete', { farewell: 'password-of-Bob' })).status, 200)
  const counted = (column: string, truth: string, table = 'tweets') =>
    bySql(app, `select id from ${table} where ${column} <> (select count(*) from ${truth})`)
  for (const wrong of [
    await counted('retweet_count', 'tweets r where r.retweet_of = tweets.id'),
    await counted('reply_count', 'tweets r where r.reply_to = tweets.id'),
    await counted('like_count', 'favorites f where f.tweet_id = tweets.id'),
    await counted(
      'tweet_count',
      'tweets t where t.user_id = users.id and retweet_of is null',
      'users',
    ),
    await bySql(
      app,
      'select r.id from tweets r join tweets o on o.id = r.retweet_of where o.retweet_of > 0',
    ),
    await bySql(
      app,
      'select f.id from favorites f join tweets t on t.id = f.tweet_id where t.retweet_of > 0',
    ),
    await bySql(
      app,
      'select r.id from tweets r join tweets t on t.id in (r.reply_to, r.quote_of) where t.retweet_of > 0',
    ),
  ])
    assert.deepEqual(wrong, [])
  for (const path of ['/timeline', '/@alice', '/@carol', '/@dora', '/'])
    assert.equal((await carol.get(path, { as: 'browser' })).status, 200)
})

test('many at the same moment, and a deletion among them: the counters equal a recount', async () => {
  const { app, alice, bob, carol, id } = await town()
  await using _ = app
  const brief = await alice.tweet('Brief')
  const answers = await Promise.all(
    Array.from({ length: 60 }, async (_unused, n) => {
      if (n === 30) await alice.post(`/tweet/${brief}/delete`)
      const who = n % 2 ? bob : carol
      const verb = n % 5 === 4 ? 'unretweet' : 'retweet'
      return (await who.post(`/${verb}/${n % 3 ? id : brief}`)).status
    }),
  )
  assert.ok(
    answers.every((status, n) => status === 200 || (status === 404 && n % 3 === 0)),
    answers.join(),
  )
  const wrong = `select id from tweets t where retweet_count <>
    (select count(*) from tweets r where r.retweet_of = t.id)`
  assert.deepEqual(await bySql(app, wrong), [])
  const orphans = `select id from tweets where retweet_of = ${brief}`
  assert.deepEqual(await bySql(app, orphans), [])
  assert.deepEqual(
    await bySql(app, `select tweet_count from users where id in (${bob.id}, ${carol.id})`),
    [0, 0],
  )
})
