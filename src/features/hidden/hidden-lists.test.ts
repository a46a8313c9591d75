// The cost of lists for who hides somebody, and what db:check finds.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { expectQueries } from '../../../test/budget.ts'
import type { Answer, TestApp } from '../../../test/harness.ts'
import { hiddenRows, lists, main, rows, showsBob, town } from '../../../test/hidden-town.ts'
import { explain } from '../../db/db.ts'
import { findProblems, repair } from '../../db/integrity.ts'

const filesOnly = process.env['TEST_DATABASE'] === 'server' && 'looks into the file'

/** Bob has written every second of 400 posts in each list. */
async function crowd(app: TestApp, bob: number, cid: number) {
  await app.database.db.run(
    sql.raw(`insert into tweets (user_id, msg, created_at)
    with recursive s(n) as (select 1 union all select n + 1 from s where n < 400)
    select iif(n % 20 < 2, ${cid}, ${bob}), 'word ' || n, n from s`),
  )
}

test('where most is hidden, up to three slices are read for one; nothing is lost or shown twice', async () => {
  const { app, alice, bob, cid } = await town()
  await using _ = app
  await crowd(app, bob.id, cid.id)
  await alice.post(`/mute/${bob.id}`)
  type Listed = { posts: { id: number; msg: string }[]; before: number | null }
  const all: string[] = []
  let before: number | null | undefined
  for (let page = 0; before !== null && page < 40; page++) {
    const answer = await alice.get(`/everybody${before === undefined ? '' : `?before=${before}`}`)
    expectQueries(answer, 4)
    const read = JSON.parse(answer.text) as Listed
    assert.ok(read.posts.length <= 20)
    all.push(...read.posts.map(({ msg }) => msg))
    before = read.before
  }
  const expected = await rows(
    app,
    `select msg from tweets where user_id <> ${bob.id} and retweet_of is null and reply_to is null
      and quote_of is null order by id desc`,
  )
  assert.deepEqual(all, expected)
  // The timeline leaves him out in its list of authors: one query.
  const timeline = await alice.get('/timeline', { as: 'browser' })
  expectQueries(timeline, 2)
  assert.equal([...main(timeline).matchAll(/<article class="tweet"/g)].length, 20)
})

test(
  'plans: who hides nobody pays nothing; who hides somebody looks them up by an index',
  { skip: filesOnly },
  async () => {
    const { app, alice, bob, cid } = await town()
    await using _ = app
    await crowd(app, bob.id, cid.id)
    const textOf = ({ queries }: Answer) =>
      queries.map((span) => String(span.attributes['db.query.text']))
    const planOf = async (answer: Answer) =>
      (await Promise.all(textOf(answer).map((text) => explain(app.database.db, text))))
        .flat()
        .map(({ step }) => step)
    for (const path of lists) {
      // The session says how many there are; the lists say nothing of it.
      const [session, ...others] = textOf(await alice.get(path))
      assert.match(session!, /"hidden_count"/)
      for (const text of others) assert.doesNotMatch(text, /hidden/, path)
    }
    await alice.post(`/mute/${bob.id}`)
    for (const path of [...lists, '/timeline?before=300', '/everybody?before=300', '/tweet/3']) {
      if (path === '/notifications') continue
      const plan = await planOf(await alice.get(path))
      const found = plan.filter((step) => /\bhidden\b/.test(step))
      assert.ok(found.length > 0, path)
      for (const step of found)
        assert.match(
          step,
          /SEARCH hidden USING COVERING INDEX (?:hidden_once \(viewer_id=\? AND author_id=\?\)|hidden_followed \(viewer_id=\?\))/,
          path,
        )
      if (path.startsWith('/timeline'))
        assert.ok(
          plan.some((step) =>
            /SEARCH tweets USING COVERING INDEX tweets_timeline \(user_id=\? AND id[<>]\?\)/.test(
              step,
            ),
          ),
          plan.join('\n'),
        )
      assert.ok(
        !plan.some((step) =>
          /^SCAN (?:tweets|users|follows|list|hidden)\b(?!.*(?:tweets_trending|users_followers|tweets_everybody))/.test(
            step,
          ),
        ),
        plan.join('\n'),
      )
    }
  },
)

test(
  'db:check finds half a block and a wrong count; db:repair mends them',
  { skip: filesOnly },
  async () => {
    const { app, alice, bob, cid } = await town()
    await using _ = app
    await alice.post(`/block/${bob.id}`)
    await bob.post(`/mute/${cid.id}`)
    const right = await hiddenRows(app)
    const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
    assert.deepEqual(findProblems(file), [])
    file.exec(`delete from hidden where kind = 'blocked';
    insert into hidden (viewer_id, author_id, kind, created_at) values (${cid.id}, ${alice.id}, 'blocked', 1);
    update users set hidden_count = 9 where id = ${bob.id};
    update hidden set followed = 1 where viewer_id = ${bob.id};
    delete from notifications`)
    const problems = findProblems(file)
    for (const problem of [
      `hidden of ${alice.id} and ${bob.id}: a block without its other side`,
      `hidden of ${cid.id} and ${alice.id}: a blocked without its other side`,
      `users ${bob.id}: hidden_count is 9, counted 1`,
      'hidden 3: followed is 1, counted 0',
    ])
      assert.ok(problems.includes(problem), problems.join('\n'))
    assert.ok(
      problems.every(
        (one) => !one.startsWith(`users ${alice.id}: not told of a like by ${bob.id}`),
      ),
    )
    repair(file)
    assert.deepEqual(findProblems(file), [])
    assert.deepEqual(await hiddenRows(app), right)
    file.close()
  },
)

test('whether a muted person is followed is known, whichever came first', async () => {
  const { app, alice, bob } = await town()
  await using _ = app
  const followed = () => rows(app, "select followed from hidden where kind = 'mute'")
  // Without a mute, what Cid passes on shows Bob, followed or not.
  const story = [
    ['mute', '1', false],
    ['unfollow', '0', false],
    ['follow', '1', false],
    ['unmute', undefined, true],
    ['unfollow', undefined, true],
    ['mute', '0', false],
    ['follow', '1', false],
    ['unmute', undefined, true],
    ['block', undefined, false],
  ] as const
  for (const [action, flag, isShown] of story) {
    assert.equal((await alice.post(`/${action}/${bob.id}`)).status < 400, true, action)
    assert.deepEqual(await followed(), flag === undefined ? [] : [flag], action)
    assert.equal(showsBob(await alice.get('/timeline', { as: 'browser' })), isShown, action)
  }
})
