// Replies and threads, for each kind of client.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { expectQueries } from '../../../test/budget.ts'
import { startApp, told, type Answer, type Someone, type TestApp } from '../../../test/harness.ts'
import { explain } from '../../db/db.ts'

const ids = ({ text }: Pick<Answer, 'text'>) =>
  [...text.matchAll(/data-tweet-id="(\d+)"/g)].map(([, id]) => Number(id))

/** The words of a page, without its tags. */
const words = ({ text }: Answer) =>
  text.replace(/<script[\s\S]*?<\/script>|<[^>]*>/g, ' ').replace(/\s+/g, ' ')

/** Writes a reply and returns its id. */
async function reply(who: Someone, to: number, msg: string): Promise<number> {
  await who.post('/tweet', { msg, reply_to: String(to) })
  const rows = await who.app.database.db.values<[number]>(sql`select max(id) from tweets`)
  return rows[0]![0]
}

const bySql = async (app: TestApp, text: string) => {
  const rows = await app.database.db.values<[number]>(sql.raw(text))
  return rows.map((row) => row[0])
}

async function town() {
  const app = await startApp()
  return { app, alice: await app.person('Alice'), bob: await app.person('Bob') }
}

test('a reply is in the thread, counted, and on the Replies tab, not on the timeline of followers', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const carol = await app.person('Carol')
  await carol.post(`/follow/${bob.id}`)
  const first = await alice.tweet('Where is the goose?')
  const answered = await reply(bob, first, 'On the bench.')

  const thread = await app.visitor().get(`/tweet/${first}`, { as: 'browser' })
  assert.deepEqual(ids(thread), [first, answered])
  assert.match(thread.text, /aria-label="Reply, 1 reply"/)
  assert.doesNotMatch(words(thread), /Replying to/, 'its tweet is right above it')
  assert.match(words(thread), /Log in to reply/)

  const own = await app.visitor().get(`/tweet/${answered}`, { as: 'browser' })
  assert.deepEqual(ids(own), [first, answered], 'what it replies to is above it')

  assert.deepEqual(ids(await app.visitor().get('/@bob')), [], 'not among the posts')
  const tab = await app.visitor().get('/@bob/replies', { as: 'browser' })
  assert.deepEqual(ids(tab), [answered])
  assert.match(words(tab), /Replying to @alice/)
  assert.match(tab.text, /aria-current="page">Replies</)
  assert.match(words(tab), /1 post/, 'it counts as a post')
  assert.deepEqual(ids(await carol.get('/timeline')), [], 'it is for those who read the thread')
  assert.deepEqual(ids(await carol.get('/search?q=bench')), [answered], 'but it is found')
})

test('a reply to oneself goes on in the timeline; below a reply to others it does not', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  await bob.post(`/follow/${alice.id}`)
  const first = await alice.tweet('One')
  const second = await reply(alice, first, 'Two')
  const third = await reply(alice, second, 'Three')
  const other = await bob.tweet('Something else')
  const aside = await reply(alice, other, 'To Bob')
  const more = await reply(alice, aside, 'More to Bob')
  assert.deepEqual(ids(await bob.get('/timeline')), [other, third, second, first])
  assert.deepEqual(ids(await bob.get('/@alice')), [third, second, first])
  assert.deepEqual(ids(await bob.get('/@alice/replies')), [more, aside, third, second])
  const page = await bob.get(`/tweet/${third}`)
  assert.deepEqual(ids(page), [first, second, third])
  assert.match(page.text, new RegExp(`id="tweet-${third}"[^>]* autofocus`))
})

test('each kind of client: the answer to a reply', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const first = await alice.tweet('Hello')
  const fields = { msg: 'Hello yourself', reply_to: String(first) }
  const program = await bob.post('/tweet', fields)
  assert.deepEqual(JSON.parse(program.text), { success: true, reply_to: first })
  assert.equal(told(await bob.post('/post', fields)), '303 /timeline')
  const browser = await bob.post('/post', fields, { as: 'browser' })
  assert.equal(told(browser), `303 /tweet/${first}?through=${first + 3}#tweet-${first + 3}`)
  assert.deepEqual(ids(await bob.get(browser.location!.split('#')[0]!)), [1, 2, 3, 4])
  const htmx = await bob.post('/tweet', fields, { as: 'htmx' })
  assert.match(htmx.text, /hx-target="#feed:has\(~ #more.end\)" hx-swap="beforeend"/)
  assert.match(htmx.text, /hx-target="#more:not\(.end\)"[\s\S]*through=5#tweet-5"/)
  assert.match(
    htmx.text,
    /hx-target="\[data-tweet-id=&quot;1&quot;\] .reply"[\s\S]*aria-label="Reply, 4 replies"/,
  )
  assert.match(htmx.text, /name="reply_to" value="1"/, 'a fresh form for the same thread')
  assert.match(htmx.text, /hx-target="#my-tweets b">4</)
  expectQueries(htmx, 3)
  assert.deepEqual(JSON.parse((await bob.post('/tweet', { msg: 'x', reply_to: '' })).text), {
    success: true,
  })
  assert.deepEqual(await bySql(app, 'select reply_to from tweets where id > 1'), [1, 1, 1, 1, null])
})

test('what is wrong with reply_to: not a number, or gone; the text stays', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const first = await alice.tweet('Hello')
  for (const bad of ['x', '-1', '1.5', '1e3', '9'.repeat(16), '1 or 1=1']) {
    const fields = { msg: 'my words', reply_to: bad }
    assert.equal(told(await bob.post('/tweet', fields)), '400 json', bad)
    for (const [path, as] of [
      ['/post', 'browser'],
      ['/tweet', 'htmx'],
      ['/post', 'program'],
    ] as const) {
      const answer = await bob.post(path, fields, { as })
      assert.equal(answer.status, 422, `${bad} as ${as}`)
      assert.match(answer.text, /given by its number/)
      assert.match(answer.text, />my words<\/textarea>/)
    }
  }
  const long = await bob.post('/post', { msg: 'y'.repeat(281), reply_to: '1' }, { as: 'browser' })
  assert.equal(long.status, 422)
  assert.match(long.text, /name="reply_to" value="1"/, 'it is still a reply')
  assert.match(long.text, /href="\/tweet\/1"/)

  await alice.post(`/tweet/${first}/delete`)
  const fields = { msg: 'my words', reply_to: String(first), key: 'one' }
  const program = await bob.post('/tweet', fields)
  assert.equal(told(program), '404 json')
  assert.match(program.text, /is gone/)
  assert.equal((await bob.post('/post', fields, { as: 'json' })).status, 404)
  for (const [path, as] of [
    ['/post', 'browser'],
    ['/tweet', 'htmx'],
    ['/post', 'program'],
  ] as const) {
    const answer = await bob.post(path, fields, { as })
    assert.equal(answer.status, 404, as)
    assert.match(answer.text, /role="alert">[^<]*is gone/)
    assert.match(answer.text, />my words<\/textarea>/)
    assert.match(answer.text, /name="key" value="one"/)
    assert.doesNotMatch(answer.text, /name="reply_to"|hx-post="\/tweet"/)
    expectQueries(answer, 3)
  }
  assert.deepEqual(await bySql(app, 'select count(*) from tweets'), [0])
})

test('a key and its words: the same reply is one, to another tweet it is another', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const one = await alice.tweet('One')
  const two = await alice.tweet('Two')
  const post = (reply_to: string) =>
    bob.post('/tweet', { msg: 'Agreed', key: 'k', reply_to }, { as: 'htmx' })
  for (const [target, says] of [
    [`${one}`, 'Posted.'],
    [`${one}`, 'Already posted.'],
    [`${two}`, 'Posted.'],
    ['', 'Posted.'],
    ['', 'Already posted.'],
    [`${two}`, 'Already posted.'],
  ]) {
    const { text } = await post(target!)
    assert.ok(text.includes(`<p class="toast">${says}`), `${target}: ${text}`)
  }
  await alice.post(`/tweet/${one}/delete`)
  assert.match((await post(String(one))).text, /Already posted/, 'it is there, its tweet is not')
  assert.deepEqual(await bySql(app, `select reply_to from tweets where user_id = ${bob.id}`), [
    one,
    two,
    null,
  ])
})

test('a deleted tweet: its replies stay and say so; a deleted reply is no longer counted', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const first = await alice.tweet('One')
  const second = await reply(bob, first, 'Two')
  const third = await reply(alice, second, 'Three')
  const asked = await bob.get(`/tweet/${second}/delete`, { as: 'browser' })
  assert.match(words(asked), /The replies to it stay/)
  assert.match((await bob.get(`/tweet/${second}`)).text, /hx-confirm="[^"]*The replies to it stay/)
  assert.doesNotMatch((await alice.get(`/tweet/${third}/delete`)).text, /The replies to it stay/)

  const gone = await bob.post(`/tweet/${second}/delete`, undefined, {
    as: 'htmx',
    headers: { 'HX-Current-URL': `http://localhost:5000/tweet/${second}?through=9` },
  })
  assert.equal(gone.headers.get('HX-Redirect'), `/tweet/${first}`)
  assert.match(
    gone.text,
    /hx-target="\[data-tweet-id=&quot;1&quot;\] .reply"[\s\S]*aria-label="Reply, 0 replies"/,
  )
  expectQueries(gone, 2)
  assert.deepEqual(await bySql(app, 'select reply_count from tweets order by id'), [0, 0])
  assert.equal((await bob.get(`/tweet/${second}`)).status, 404)
  const left = await bob.get(`/tweet/${third}`, { as: 'browser' })
  assert.deepEqual(ids(left), [third])
  assert.match(words(left), /This post is gone/)
  const tab = await bob.get('/@alice/replies')
  assert.match(words(tab), /Replying to a post that is gone/)
  const last = await alice.post(`/tweet/${third}/delete`, undefined, { as: 'browser' })
  assert.equal(told(last), '303 /timeline', 'what it replied to is gone, too')
})

test('a long thread: twenty above, then Earlier; replies by cursor, oldest first', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const chain = [await alice.tweet('0')]
  for (let n = 1; n <= 25; n++) chain.push(await reply(n % 2 ? bob : alice, chain.at(-1)!, `${n}`))
  const last = await bob.get(`/tweet/${chain[25]}`, { as: 'browser' })
  assert.deepEqual(ids(last), chain.slice(5))
  assert.match(last.text, new RegExp(`<a href="/tweet/${chain[5]}">Earlier</a>`))
  assert.doesNotMatch(words(last), /is gone/)
  expectQueries(last, 3)
  const exactly = await bob.get(`/tweet/${chain[20]}`, { as: 'browser' })
  assert.deepEqual(ids(exactly), chain.slice(0, 22))
  assert.doesNotMatch(exactly.text, /Earlier/)

  const root = await alice.tweet('Everybody, say something')
  const all: number[] = []
  for (let n = 1; n <= 45; n++) all.push(await reply(bob, root, `reply ${n}`))
  const first = await bob.get(`/tweet/${root}`, { as: 'browser' })
  assert.deepEqual(ids(first), [root, ...all.slice(0, 20)])
  const next = /hx-get="([^"]*after=[^"]*)"/.exec(first.text)![1]!.replaceAll('&amp;', '&')
  assert.equal(next, `/tweet/${root}?after=${all[19]}&from=21`)
  const second = await bob.get(next, { as: 'htmx' })
  assert.deepEqual(ids(second), all.slice(20, 40))
  assert.equal(second.headers.get('HX-Replace-Url'), `/tweet/${root}?through=${all[39]}`)
  expectQueries(second, 3)
  const plain = await bob.get(next, { as: 'browser' })
  assert.deepEqual(ids(plain), [root, ...all.slice(20, 40)])
  assert.match(plain.text, new RegExp(`<a href="/tweet/${root}">Earlier</a>`))
  const again = await bob.get(`/tweet/${root}?through=${all[39]}`, { as: 'browser' })
  assert.deepEqual(ids(again), [root, ...all.slice(0, 40)])
  assert.match(again.text, new RegExp(`after=${all[39]}&amp;from=41`))
  const end = await bob.get(`/tweet/${root}?after=${all[39]}&from=41`, { as: 'htmx' })
  assert.deepEqual(ids(end), all.slice(40))
  assert.match(end.text, /That is all/)
  assert.equal((await bob.get(`/tweet/${root}?after=x`)).status, 400)
})

test('a thread of 10,000 replies is as cheap as one of 20: the plan reads its slice from the index', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const root = await alice.tweet('Everybody, say something')
  await app.database.db.run(
    sql`insert into tweets (user_id, msg, created_at, reply_to, in_timeline)
      with recursive s(n) as (select 1 union all select n + 1 from s where n < 10000)
      select ${bob.id}, 'reply ' || n, 1, ${root}, 0 from s`,
  )
  const seek = 'SEARCH tweets USING COVERING INDEX tweets_replies (reply_to=? AND id'
  for (const [path, shown, step] of [
    [`/tweet/${root}`, 21, `${seek}>?)`],
    [`/tweet/${root}?after=9000`, 21, `${seek}>?)`],
    [`/tweet/${root}?through=9000`, 201, `${seek}<?)`],
    ['/@bob/replies', 20, 'SEARCH tweets USING INDEX tweets_user_replies (user_id=? AND id<?)'],
    ['/@bob', 0, 'SEARCH tweets USING COVERING INDEX tweets_timeline (user_id=? AND id<?)'],
  ] as const) {
    const answer = await app.visitor().get(path, { as: 'browser' })
    assert.equal(ids(answer).length, shown, path)
    expectQueries(answer, 3)
    if (process.env['TEST_DATABASE'] === 'server') continue
    const texts = answer.queries.map((span) => String(span.attributes['db.query.text']))
    const plans = await Promise.all(texts.map((text) => explain(app.database.db, text)))
    const steps = plans.flat().map((one) => one.step)
    assert.ok(steps.includes(step), `${path}:\n${steps.join('\n')}`)
    assert.deepEqual(
      steps.filter((one) => /^SCAN (tweets|users|parent|author)\b/.test(one)),
      [],
    )
    // Only the sort of twenty ids is in memory.
    assert.ok(steps.filter((one) => /TEMP B-TREE/.test(one)).length <= 2, steps.join('\n'))
  }
  assert.match(
    (await app.visitor().get(`/tweet/${root}`, { as: 'browser' })).text,
    /aria-label="Reply, 10,000 replies"/,
  )
})

test('who is not signed in: a reply waits in the sign-in form, and is a reply afterwards', async () => {
  const { app, alice } = await town()
  await using _ = app
  const first = await alice.tweet('Hello')
  const out = app.visitor()
  const fields = { msg: 'Hello yourself', reply_to: String(first), author: '2', key: 'one' }
  const asked = await out.post('/post', fields, { as: 'browser' })
  assert.equal(asked.status, 401)
  assert.match(asked.text, /name="draft_reply_to" value="1"/)
  const back = await out.post(
    '/login',
    {
      mailaddress: 'bob@example.org',
      password: 'password-of-Bob',
      draft: fields.msg,
      draft_author: '2',
      draft_key: 'one',
      draft_reply_to: '1',
    },
    { as: 'browser' },
  )
  assert.equal(told(back), '200 page')
  assert.match(back.text, /name="reply_to" value="1"/)
  assert.match(back.text, />Hello yourself<\/textarea>/)
  assert.equal(
    told(await out.post('/tweet', { msg: 'x', reply_to: '1' }, { as: 'htmx' })).slice(0, 3),
    '200',
  )
})

test('replies at the same moment, and a deletion among them: all counted, or told that it is gone', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const busy = await alice.tweet('Busy')
  const brief = await alice.tweet('Brief')
  const answers = await Promise.all(
    Array.from({ length: 30 }, async (_unused, n) => {
      if (n === 15) await alice.post(`/tweet/${brief}/delete`)
      const to = String(n % 2 === 0 ? busy : brief)
      return (await bob.post('/tweet', { msg: `reply ${n}`, reply_to: to })).status
    }),
  )
  assert.ok(
    answers.every((status, n) => status === 200 || (status === 404 && n % 2 === 1)),
    answers.join(),
  )
  assert.deepEqual(await bySql(app, `select reply_count from tweets where id = ${busy}`), [15])
  const written = answers.filter((status) => status === 200).length
  assert.deepEqual(await bySql(app, `select count(*) from tweets where reply_to > 0`), [written])
})
