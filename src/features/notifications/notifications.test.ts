// Stories about notifications: what makes one, what takes it back, the page, the number in the navigation.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../../test/budget.ts'
import { startApp, type Someone, type TestApp } from '../../../test/harness.ts'
import { explain } from '../../db/db.ts'

type Told = {
  notifications: { id: number; kind: string; actor: { name: string }; tweet: number | null }[]
  unseen: number
  before: number | null
}
const read = async (who: Someone, query = '') =>
  JSON.parse((await who.get(`/notifications${query}`)).text) as Told
/** "Bob like 1", oldest first. */
const told = async (who: Someone) =>
  (await read(who)).notifications
    .map(({ kind, actor, tweet }) => `${actor.name} ${kind} ${tweet ?? '-'}`)
    .toReversed()

/** Writes a tweet and returns its id. */
async function write(app: TestApp, who: Someone, fields: Record<string, string>): Promise<number> {
  await who.post('/tweet', fields)
  const rows = await app.database.db.values(sql`select max(id) from tweets`)
  return Number(Object.values(rows[0]!)[0])
}

const mention = (app: TestApp, tweet: number, user: number) =>
  app.database.db.run(
    sql`insert or ignore into mentions (tweet_id, user_id) values (${tweet}, ${user})`,
  )

test('like, follow, reply, repost, quote and mention tell; undoing it takes it away', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const bob = await app.person('Bob')
  const id = await ann.tweet('hello')
  for (const path of [`/favorite/${id}`, `/follow/${ann.id}`, `/retweet/${id}`]) {
    await bob.post(path)
    await bob.post(path)
  }
  const reply = await write(app, bob, { msg: 'an answer', reply_to: String(id) })
  const quote = await write(app, bob, { msg: 'look', quote: String(id) })
  const other = await bob.tweet('about @ann')
  await mention(app, other, ann.id)
  assert.deepEqual(await told(ann), [
    `Bob like ${id}`,
    'Bob follow -',
    `Bob retweet ${id}`,
    `Bob reply ${reply}`,
    `Bob quote ${quote}`,
    `Bob mention ${other}`,
  ])
  assert.deepEqual(await told(bob), [], 'he is told nothing of what he does')

  for (const path of [`/unfavorite/${id}`, `/unfollow/${ann.id}`, `/unretweet/${id}`])
    await bob.post(path)
  for (const one of [reply, quote, other]) await bob.post(`/tweet/${one}/delete`)
  assert.deepEqual(await told(ann), [])
  // Again: a second like is news again.
  await bob.post(`/favorite/${id}`)
  assert.deepEqual(await told(ann), [`Bob like ${id}`])
})

test('nobody is told of what they do to themselves; one reply that also mentions its author tells once', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const bob = await app.person('Bob')
  const id = await ann.tweet('hello')
  await ann.post(`/favorite/${id}`)
  await ann.post(`/retweet/${id}`)
  await write(app, ann, { msg: 'more', reply_to: String(id) })
  await mention(app, await write(app, ann, { msg: '@ann, hm', quote: String(id) }), ann.id)
  assert.deepEqual(await told(ann), [])
  const reply = await write(app, bob, { msg: '@ann yes', reply_to: String(id) })
  await mention(app, reply, ann.id)
  const quote = await write(app, bob, { msg: 'as @ann says', quote: String(id) })
  await mention(app, quote, ann.id)
  const another = await write(app, ann, { msg: '@bob no', reply_to: String(reply) })
  await mention(app, another, bob.id)
  assert.deepEqual(await told(ann), [`Bob reply ${reply}`, `Bob quote ${quote}`])
  assert.deepEqual(await told(bob), [`Ann reply ${another}`])
})

test('with a deleted post its likes and reposts go, not the replies; with an account all that it did goes', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const bob = await app.person('Bob')
  const cid = await app.person('Cid')
  const id = await ann.tweet('hello')
  const stays = await ann.tweet('this stays')
  for (const who of [bob, cid])
    for (const path of [
      `/favorite/${id}`,
      `/retweet/${id}`,
      `/favorite/${stays}`,
      `/follow/${ann.id}`,
    ])
      await who.post(path)
  const reply = await write(app, bob, { msg: 'an answer', reply_to: String(id) })
  await ann.post(`/tweet/${id}/delete`)
  const ofBob = [`Bob like ${stays}`, 'Bob follow -', `Bob reply ${reply}`]
  assert.deepEqual(
    (await told(ann)).toSorted(),
    [...ofBob, `Cid like ${stays}`, 'Cid follow -'].toSorted(),
  )
  const page = await ann.get('/notifications', { as: 'browser' })
  assert.match(page.text, /replied to your post/)
  await cid.post('/account/delete', { farewell: 'password-of-Cid' })
  assert.deepEqual((await told(ann)).toSorted(), ofBob.toSorted())
  await ann.post('/account/delete', { farewell: 'password-of-Ann' })
  const left = await app.database.db.values(sql`select count(*) from notifications`)
  assert.equal(Number(Object.values(left[0]!)[0]), 0)
})

const badge = ({ text }: { text: string }) =>
  [
    ...text.matchAll(
      /<b class="unseen"><span aria-hidden="true">([^<]*)<\/span><span class="vh">([^<]*)</g,
    ),
  ].map(([, shown, said]) => `${shown}${said}`)

test('the navigation counts to 9+ without a further query; seen takes nothing back and marks nothing in advance', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const id = await ann.tweet('hello')
  const quiet = await ann.get('/timeline', { as: 'browser' })
  assert.deepEqual(badge(quiet), [])
  for (let number = 0; number < 11; number++) {
    await (await app.person(`P${number}`)).post(`/favorite/${id}`)
    if (number > 1 && number < 8) continue
    const answer = await ann.get('/timeline', { as: 'browser' })
    assert.equal(answer.queries.length, quiet.queries.length)
    const count = number + 1
    const expected = count > 9 ? '9+ more than 9 new' : `${count} ${count} new`
    // At the side and in the bar of a phone.
    assert.deepEqual(badge(answer), [expected, expected])
  }
  const { notifications, unseen } = await read(ann)
  assert.equal(unseen, 10)
  const ids = notifications.map((one) => one.id).toReversed()
  const seen = async (value: string | number, who: Someone = ann) =>
    (await who.post('/notifications/seen', { id: String(value) })).text
  assert.equal(await seen(ids[7]!), '{"success":true,"unseen":3}')
  assert.equal(await seen(ids[7]!), '{"success":true,"unseen":3}', 'as often as one likes')
  assert.equal(await seen(ids[2]!), '{"success":true,"unseen":3}', 'never lowered')
  assert.equal(await seen(0), '{"success":true,"unseen":3}')
  assert.equal(await seen(999_999_999), '{"success":true,"unseen":0}')
  await (await app.person('Late')).post(`/favorite/${id}`)
  assert.deepEqual(
    badge(await ann.get('/', { as: 'browser' })),
    ['1 1 new', '1 1 new'],
    'not in advance',
  )
  for (const bad of ['', 'x', '-1', '1.5', '9'.repeat(16), '0x1', ' 1']) {
    const { status, text } = await ann.post('/notifications/seen', { id: bad })
    assert.equal(status, 422, bad)
    assert.match(text, /number of a notification/)
  }
  assert.equal((await ann.post('/notifications/seen')).status, 400)
  const bob = await app.person('Bob')
  assert.equal(
    await seen(ids[7]!, bob),
    '{"success":true,"unseen":0}',
    'ids of others do not count',
  )
  await bob.tweet('mine')
  await ann.post(`/follow/${bob.id}`)
  assert.deepEqual(badge(await bob.get('/', { as: 'browser' })), ['1 1 new', '1 1 new'])
})

test('the page groups likes, reposts and followers, marks the new ones, shows the words of answers', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const id = await ann.tweet('The ferry is late')
  const empty = await ann.get('/notifications', { as: 'browser' })
  assert.match(empty.text, /Nobody has liked, reposted or answered anything yet/)
  assert.doesNotMatch(empty.text, /id="seen"/)
  const others = []
  for (const name of ['Bob', 'Cid', 'Dan', 'Eve <b>']) others.push(await app.person(name))
  for (const who of others) await who.post(`/favorite/${id}`)
  for (const who of others.slice(0, 3)) await who.post(`/follow/${ann.id}`)
  for (const who of others.slice(0, 2)) await who.post(`/retweet/${id}`)
  const reply = await write(app, others[0]!, {
    msg: 'Is it #ever on <time>?',
    reply_to: String(id),
  })
  const page = await ann.get('/notifications', { as: 'browser' })
  expectQueries(page, 2)
  const main = page.text.slice(page.text.indexOf('<main'), page.text.indexOf('</main>'))
  const entries = main.split('<article').slice(1)
  const words = entries.map((one) =>
    one
      .replace(/<time[^>]*>[^<]*<\/time>/, '')
      .replace(/(<form class="actions" method="post">|<\/article>).*/, '')
      .replace(/^[^>]*>|<[^>]+>/g, ''),
  )
  assert.deepEqual(words, [
    'New: Bob replied to your postIs it #ever on &lt;time&gt;?',
    'New: Cid and Bob reposted your postThe ferry is late',
    'New: Dan, Cid and Bob followed you',
    'New: Eve &lt;b&gt;, Dan and 2 others liked your postThe ferry is late',
  ])
  assert.equal([...main.matchAll(/class="tweet told fresh"/g)].length, 4)
  assert.match(
    entries[0]!,
    new RegExp(`data-tweet-id="${reply}"[\\s\\S]*hx-post="/favorite/${reply}"`),
  )
  assert.match(entries[3]!, new RegExp(`class="timestamp" href="/tweet/${id}"`))
  const newest = /name="id" value="(\d+)"/.exec(main)![1]!
  assert.equal(Number(newest), (await read(ann)).notifications[0]!.id)

  // A GET marks nothing; htmx gets what to change on the page, a browser the page again.
  assert.equal((await read(ann)).unseen, 10)
  const partial = await ann.post('/notifications/seen', { id: newest }, { as: 'htmx' })
  assert.match(partial.text, /hx-target=".unseen" hx-swap="delete"/)
  const answer = await ann.post('/notifications/seen', { id: newest }, { as: 'browser' })
  assert.equal(`${answer.status} ${answer.location}`, '303 /notifications')
  const after = await ann.get('/notifications', { as: 'browser' })
  assert.doesNotMatch(after.text, /fresh|id="seen"|class="unseen"/)
  assert.match(after.text, /Eve/)
})

test('the list goes on where its rows end, and each row is read once; through= shows it again', async () => {
  await using app = await startApp()
  const ann = await app.person('Ann')
  const id = await ann.tweet('hello')
  const { db } = app.database
  await db.run(
    sql.raw(`insert into users (name, handle, mailaddress, password_hash, created_at)
      with recursive s(v) as (select 1 union all select v + 1 from s where v < 450) select 'P' || v, 'p' || v, 'p' || v, '', 1 from s`),
  )
  await db.run(
    sql.raw(
      `insert into follows (follower_id, followed_id, created_at) select id, ${ann.id}, 1 from users where id <> ${ann.id} order by id`,
    ),
  )
  await db.run(
    sql.raw(
      `insert into favorites (user_id, tweet_id, weight, created_at) select id, ${id}, 1, 1 from users where handle = 'p7'`,
    ),
  )
  const ids: number[] = []
  for (let before: number | null = null, pages = 0; pages < 4; pages++) {
    const slice: Told = await read(ann, before === null ? '' : `?before=${before}`)
    ids.push(...slice.notifications.map((one) => one.id))
    before = slice.before
    if (before === null) break
    assert.equal(slice.notifications.length, 200)
  }
  assert.equal(new Set(ids).size, 451)
  assert.equal(ids.length, 451)
  const first = await ann.get('/notifications', { as: 'browser' })
  assert.match(
    first.text,
    /P450<\/bdi><\/a>, <a[^>]*><bdi>P449<\/bdi><\/a> and <span>197 others<\/span> followed you/,
  )
  const more = /hx-get="([^"]*before=\d+[^"]*)"/.exec(first.text)![1]!.replaceAll('&amp;', '&')
  const next = await ann.get(more, { as: 'htmx' })
  assert.match(
    next.text,
    /<hx-partial hx-target="#feed"[\s\S]*and <span>198 others<\/span> followed you/,
  )
  const through = next.headers.get('HX-Replace-Url')!
  assert.match(through, /^\/notifications\?through=\d+$/)
  const again = await ann.get(through, { as: 'browser' })
  assert.match(again.text, /class="newer"/)
  assert.equal((await read(ann, '?limit=5')).notifications.length, 5)
})

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'plans are those of the file'

test(
  '100,000 notifications of one person: the page and the number read their slice of one index',
  { skip: filesOnly },
  async () => {
    await using app = await startApp()
    const ann = await app.person('Ann')
    const bob = await app.person('Bob')
    await ann.tweet('hello')
    const { db } = app.database
    const series = (most: number) =>
      `with recursive s(v) as (select 1 union all select v + 1 from s where v < ${most}) select v from s`
    await db.run(
      sql.raw(
        `insert into tweets (user_id, msg, created_at) select ${ann.id}, 'words', 1 from (${series(2000)})`,
      ),
    )
    await db.run(
      sql.raw(`insert into users (name, handle, mailaddress, password_hash, created_at)
      select 'P' || v, 'p' || v, 'p' || v, '', 1 from (${series(50)})`),
    )
    await db.run(
      sql.raw(
        `insert into favorites (user_id, tweet_id, weight, created_at) select u.id, t.id, 1, 1 from tweets t, users u where u.id > ${bob.id}`,
      ),
    )
    const rows = await db.values(sql`select count(*) from notifications where user_id = ${ann.id}`)
    assert.ok(Number(Object.values(rows[0]!)[0]) >= 100_000)
    for (const path of [
      '/notifications',
      '/notifications?before=50000',
      '/notifications?through=99950',
    ]) {
      const answer = await ann.get(path, { as: 'browser' })
      assert.equal(answer.status, 200)
      expectQueries(answer, 2)
      const plans = []
      for (const query of answer.queries) {
        const text = String(query.attributes['db.query.text'])
        plans.push((await explain(db, text)).map(({ step }) => step))
      }
      const [session, list] = plans
      assert.ok(
        session!.includes('SEARCH n USING COVERING INDEX notifications_user (user_id=? AND id>?)'),
        session!.join('\n'),
      )
      const way = path.includes('through') ? '>' : '<'
      assert.equal(
        list![0],
        `SEARCH notifications USING INDEX notifications_user (user_id=? AND id${way}?)`,
      )
      for (const step of plans.flat())
        assert.doesNotMatch(step, /\bSCAN (?!\(subquery|json_each)|TEMP B-TREE/, step)
    }
    const seen = await ann.post('/notifications/seen', { id: '100000' })
    expectQueries(seen, 2)
  },
)

test('visitors are sent to sign in; programs are told so', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  assert.equal(
    (await visitor.get('/notifications', { as: 'browser' })).location,
    '/login?next=%2Fnotifications',
  )
  assert.equal((await visitor.post('/notifications/seen', { id: '1' })).status, 401)
})
