// Link previews over HTTP, with a real server of pages on loopback.
import assert from 'node:assert/strict'
import test from 'node:test'

import { sql } from 'drizzle-orm'
import Database from 'libsql'

import { expectQueries } from '../../../test/budget.ts'
import { endedSpans, startApp, told, type Answer, type TestApp } from '../../../test/harness.ts'
import { pageServer } from '../../../test/page-server.ts'
import { findProblems } from '../../db/integrity.ts'
import { forgetOldPreviews } from './store.ts'
import { wordsOf } from './text.ts'

const previews = ({ text }: Answer) =>
  [...text.matchAll(/<div class="preview">[\s\S]*?<\/div>/g)].map(([one]) => one)
const words = (html = '') =>
  html
    .replace(/<[^>]*>/g, ' ')
    .replace(/\s+/g, ' ')
    .trim()
const bySql = async (app: TestApp, text: string) => {
  const rows = await app.database.db.values<[number | string | null]>(sql.raw(text))
  return rows.map((row) => Object.values(row)[0])
}
const outcomes = () =>
  endedSpans('previews.fetch').map((span) => span.attributes['app.preview.outcome'])

async function town(env: Record<string, string> = {}) {
  const pages = await pageServer()
  const app = await startApp({ ...pages.env, ...env })
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  await bob.post(`/follow/${alice.id}`)
  return {
    pages,
    app,
    alice,
    bob,
    async [Symbol.asyncDispose]() {
      await app[Symbol.asyncDispose]()
      await pages[Symbol.asyncDispose]()
    },
  }
}

test('a link gets a preview under the text: title, description, host; for everybody, at the next reading', async () => {
  await using here = await town()
  const { app, alice, bob, pages } = here
  const id = await alice.tweet(`Look: ${pages.url}/geese?by=name#top and ${pages.url}/second`)
  await app.previews!.idle()
  for (const [who, path] of [
    [bob, '/timeline'],
    [bob, '/@alice'],
    [bob, `/tweet/${id}`],
    [app.visitor(), `/tweet/${id}`],
    [alice, '/timeline'],
  ] as const) {
    const [one, second] = previews(await who.get(path, { as: 'browser' }))
    assert.equal(second, undefined, 'of the first link only')
    const host = `127.0.0.1:${pages.port}`
    const said = `All about &lt;b&gt;geese&lt;/b&gt; They fly in wedges &amp; honk. ${host}`
    assert.equal(words(one), who === alice ? `${said} Remove preview` : said, path)
    const href = `${pages.url}/geese\\?by=name#top`
    assert.match(one!, new RegExp(`<a href="${href}" rel="nofollow ugc noopener" target="_blank"`))
  }
  expectQueries(await bob.get('/timeline'), 2)
  await bob.post(`/retweet/${id}`)
  assert.equal(previews(await bob.get('/@bob')).length, 1, 'on the card of a repost, too')
  await bob.post('/tweet', { msg: 'Hm', quote: String(id) })
  assert.equal(previews(await bob.get('/@bob')).length, 1, 'not in a quoted post')

  const [asked, ...more] = pages.asked
  assert.equal(asked!.path, '/geese?by=name', 'no fragment')
  assert.deepEqual(more, [])
  const sent = Object.keys(asked!.headers).toSorted()
  assert.deepEqual(sent.join(' '), 'accept accept-encoding connection host user-agent')
})

test('its span is the root of a trace of its own, with a link to the post; no statement has words of the page', async () => {
  await using here = await town()
  const { app, alice, pages } = here
  const posted = await alice.post('/tweet', { msg: `${pages.url}/x` })
  await app.previews!.idle()
  const [span] = endedSpans('previews.fetch')
  assert.equal(span!.parentSpanContext, undefined)
  const handler = posted.spans.find(({ name }) => name === 'tweets.create')!
  const { traceId, spanId, traceFlags } = handler.spanContext()
  // Only that, not the span itself, which would keep the other trace in memory.
  assert.deepEqual({ ...span!.links[0]?.context }, { traceId, spanId, traceFlags })
  assert.deepEqual(span!.attributes, { 'app.preview.hops': 0, 'app.preview.outcome': 'fetched' })
  expectQueries(posted, 3)
})

test('servers that do wrong: the post is there at once, the preview is not', async () => {
  await using here = await town()
  const { app, alice, bob, pages } = here
  const expected: Record<string, string> = {
    '/loop': 'too_many_hops',
    '/hop4': 'too_many_hops',
    '/nowhere': 'refused_url',
    '/hang': 'timeout',
    '/drip': 'timeout',
    '/endless': 'too_large',
    '/gigabyte': 'too_large',
    '/bomb': 'too_large',
    '/not-gzip': 'encoding',
    '/zstd': 'encoding',
    '/charset': 'charset',
    '/midway': 'unreachable',
    '/reset': 'unreachable',
    '/json': 'not_html',
    '/untyped': 'not_html',
    '/untitled': 'no_title',
    '/invisible': 'no_title',
    '/error': 'status',
    '/gone': 'status',
  }
  const good = ['/hop3', '/hop2', '/hop1', '/gzip', '/latin']
  assert.deepEqual([...Object.keys(expected), ...good].toSorted(), pages.paths.toSorted())
  for (const path of Object.keys(expected)) {
    const posted = await alice.post('/tweet', { msg: pages.url + path }, { as: 'htmx' })
    assert.equal(posted.status, 200)
    assert.match(posted.text, /class="msg"/)
    assert.deepEqual(previews(posted), [])
  }
  await app.previews!.idle()
  const page = await bob.get('/timeline', { as: 'browser' })
  assert.deepEqual(previews(page), [])
  const spans = endedSpans('previews.fetch')
  assert.deepEqual(
    spans.map((span) => String(span.attributes['app.preview.outcome'])).toSorted(),
    Object.values(expected).toSorted(),
  )
  assert.equal((await bySql(app, 'select 1 from link_previews where title is null')).length, 19)
  // Failures are remembered for an hour: nobody is asked again.
  const before = pages.asked.length
  await alice.tweet(`again ${pages.url}/gone`)
  await app.previews!.idle()
  assert.equal(outcomes().at(-1), 'remembered_failure')
  assert.equal(pages.asked.length, before)

  for (const path of good) await alice.tweet(pages.url + path)
  await app.previews!.idle()
  const shown = previews(await bob.get('/timeline?limit=5')).map(words)
  assert.match(shown[0]!, /^Café 127/)
  assert.match(shown[1]!, /^Packed 127/)
  for (const one of shown.slice(2)) assert.match(one, /^All about/)
  for (const { headers } of pages.asked)
    for (const name of ['cookie', 'referer', 'authorization', 'traceparent', 'baggage'])
      assert.equal(headers[name], undefined)
})

test('the words of a page stay in their place: one line, no markup, no directions, no towers of marks, bounded', () => {
  const inCard = (title: string, description = '') => wordsOf({ title, description })
  assert.deepEqual(inCard(' a\n\t b\u2028c ', 'd\u0000e\u200bf'), {
    title: 'a b c',
    description: 'def',
  })
  assert.deepEqual(inCard('\u202eevil\u202c\u2066x', '\u061c'), { title: 'evilx', description: '' })
  for (const nothing of ['', ' \n', '\u200b\u2060', '\u2800', '\ufeff'])
    assert.equal(inCard(nothing), undefined, JSON.stringify(nothing))
  assert.deepEqual(inCard('same', 'same'), { title: 'same', description: '' })
  assert.equal(inCard(`z${'\u0301'.repeat(3000)}x`)!.title.length, 8)
  const long = inCard('wörd '.repeat(800), '👩‍👩‍👧‍👦'.repeat(500))!
  assert.ok(long.title.length <= 100 && long.title.endsWith('wörd…'))
  assert.ok([...long.description].length <= 600)
})

test('the author removes it: with htmx, without JavaScript, as a program; nobody else can', async () => {
  await using here = await town({ OPERATORS: 'carol@example.org' })
  const { app, alice, bob, pages } = here
  const carol = await app.person('Carol')
  const write = async () => {
    const id = await alice.tweet(`see ${pages.url}/page`)
    await app.previews!.idle()
    assert.equal(previews(await alice.get(`/tweet/${id}`)).length, 1)
    return id
  }
  const id = await write()
  const form = `<form method="post" action="/tweet/${id}/preview/delete" hx-post="/tweet/${id}/preview/delete"`
  assert.ok((await alice.get('/timeline')).text.includes(form))
  assert.ok(!(await bob.get('/timeline')).text.includes('/preview/delete'))
  const path = `/tweet/${id}/preview/delete`
  assert.equal(told(await bob.post(path)), '403 json')
  assert.equal(told(await app.visitor().post(path)), '401 json')
  assert.equal(told(await alice.post('/tweet/999/preview/delete')), '404 json')
  assert.equal(previews(await bob.get('/timeline')).length, 1)

  const partial = await alice.post(path, undefined, { as: 'htmx' })
  assert.equal(told(partial), '200 partial')
  assert.match(
    partial.text,
    new RegExp(`hx-target="\\[data-tweet-id=&quot;${id}&quot;\\] .preview"`),
  )
  assert.match(partial.text, /Preview removed\./)
  expectQueries(partial, 3)
  assert.deepEqual(previews(await bob.get('/timeline')), [])
  assert.equal(told(await alice.post(path)), '200 json', 'twice is once')

  const second = await write()
  const headers = { Referer: 'http://localhost:5000/@alice' }
  const done = await alice.post(`/tweet/${second}/preview/delete`, undefined, {
    as: 'browser',
    headers,
  })
  assert.equal(told(done), `303 /@alice#tweet-${second}`)
  const back = await alice.get('/@alice', { as: 'browser' })
  assert.deepEqual(previews(back), [])
  assert.match(back.text, /Preview removed\./)
  const third = await write()
  assert.equal(told(await carol.post(`/tweet/${third}/preview/delete`)), '200 json')
  assert.deepEqual(await bySql(app, 'select count(*) from tweet_previews'), [0])
  assert.deepEqual(pages.asked.length, 1, 'the page was read once')
})

test('an address is read once a week; one hour after a failure; two posts at once share one reading', async () => {
  await using here = await town()
  const { app, alice, bob, pages } = here
  await Promise.all([alice.tweet(`a ${pages.url}/p`), bob.tweet(`b ${pages.url}/p#x`)])
  await app.previews!.idle()
  assert.equal(pages.asked.length, 1)
  assert.equal((await bySql(app, 'select 1 from tweet_previews')).length, 2)
  const again = async (age: number, set: string) => {
    await app.database.db.run(
      sql.raw(`update link_previews set fetched_at = ${Date.now() - age}, title = ${set}`),
    )
    await alice.tweet(`again ${pages.url}/p`)
    await app.previews!.idle()
    return outcomes().at(-1)
  }
  const [hour, day] = [3_600_000, 86_400_000]
  assert.equal(await again(6.9 * day, "'kept'"), 'remembered')
  assert.match(words(previews(await alice.get('/timeline'))[0]), /^kept /)
  assert.equal(await again(7.1 * day, "'old'"), 'fetched')
  assert.equal(await again(0.9 * hour, 'null'), 'remembered_failure')
  assert.equal(await again(1.1 * hour, 'null'), 'fetched')
  assert.equal(await again(-2 * day, "'of tomorrow'"), 'fetched')

  // Maintenance forgets what is too old; a tweet keeps its preview.
  const { db } = app.database
  await db.run(sql.raw('delete from link_previews'))
  for (const [url, title, age] of [
    ['old', "'x'", 7.1 * day],
    ['new', "'x'", 6.9 * day],
    ['failed', 'null', 1.1 * hour],
    ['just failed', 'null', 0.9 * hour],
    ['of tomorrow', "'x'", -day],
  ] as const)
    await db.run(
      sql.raw(
        `insert into link_previews (url, title, fetched_at) values ('${url}', ${title}, ${Date.now() - age})`,
      ),
    )
  await forgetOldPreviews(db, Date.now())
  assert.deepEqual(await bySql(app, 'select url from link_previews order by url'), [
    'just failed',
    'new',
  ])
  assert.ok(previews(await alice.get('/timeline')).length > 2)
})

test('at most 10,000 addresses are remembered, the newest', async () => {
  await using here = await town()
  const { app, alice, pages } = here
  await app.database.db.run(
    sql.raw(`insert into link_previews (url, title, fetched_at)
    with recursive s(n) as (select 1 union all select n + 1 from s where n < 10000) select 'u' || n, 't', n from s`),
  )
  await alice.tweet(`${pages.url}/p`)
  await app.previews!.idle()
  assert.deepEqual(await bySql(app, 'select count(*) from link_previews'), [10_000])
  assert.deepEqual(await bySql(app, "select url from link_previews where url in ('u1', 'u2')"), [
    'u2',
  ])
  const file = `${pages.url}/p`
  assert.deepEqual(
    await bySql(app, `select title is null from link_previews where url = '${file}'`),
    [0],
  )
})

test('four pages are read at once, a hundred links wait, the next gets none; all stop at shutdown', async () => {
  const pages = await pageServer()
  await using _pages = pages
  const app = await startApp(pages.env)
  const alice = await app.person('Alice')
  const id = await alice.tweet('All at once')
  for (let n = 0; n < 106; n++) app.previews!.add(id, `${pages.url}/hang#${n}`)
  while (outcomes().length < 2) await new Promise(setImmediate)
  assert.deepEqual(outcomes(), ['dropped', 'dropped'])
  await app[Symbol.asyncDispose]() // and nothing waits for its timeout
  assert.equal(outcomes().filter((one) => one === 'stopped').length, 104)
  assert.ok(pages.asked.length <= 4)
})

test('a tweet that is deleted meanwhile, or later: nothing of it stays', async () => {
  await using here = await town()
  const { app, alice, pages } = here
  const id = await alice.tweet(`${pages.url}/midway`)
  await alice.post(`/tweet/${id}/delete`)
  const other = await alice.tweet(`${pages.url}/page`)
  await app.previews!.idle()
  await alice.post(`/tweet/${other}/delete`)
  assert.deepEqual(await bySql(app, 'select count(*) from tweet_previews'), [0])
})

test(
  'the check of the database knows a preview whose tweet is gone',
  { skip: process.env['TEST_DATABASE'] === 'server' && 'looks into the file' },
  async () => {
    await using here = await town()
    const { app, alice, pages } = here
    await alice.tweet(`${pages.url}/page`)
    await app.previews!.idle()
    const file = new Database(app.url.replace('file:', ''), { timeout: 1000 })
    assert.deepEqual(findProblems(file), [])
    file.exec('PRAGMA foreign_keys = OFF; DELETE FROM tweets')
    assert.ok(
      findProblems(file).includes(
        'tweet_previews row 1 refers to a row of tweets that does not exist',
      ),
    )
    file.close()
  },
)

test('a text without a link, and a link that must not be read: nobody is asked', async () => {
  await using here = await town()
  const { app, alice, pages } = here
  for (const msg of [
    'no link',
    'http:// nothing',
    `http://127.0.0.1:${pages.port + 1}/ then ${pages.url}/page`,
    'http://169.254.169.254/latest/meta-data/',
    `http://0x7f000002:${pages.port}/`,
    `http://user@127.0.0.1:${pages.port}/`,
    `${pages.url}/${'🦢'.repeat(200)}`,
    `${pages.url}/${'é'.repeat(200)}`,
  ])
    await alice.post('/tweet', { msg })
  await app.previews!.idle()
  assert.deepEqual(
    pages.asked.map(({ path }) => path.slice(0, 7)),
    ['/%C3%A9'],
  )
  assert.deepEqual(previews(await alice.get('/timeline')).length, 1)
})

test('LINK_PREVIEWS=0, the default: no reading, no span, no statement, also where previews are stored', async () => {
  await using here = await town({ LINK_PREVIEWS: '0' })
  const { app, alice, bob, pages } = here
  assert.equal(app.previews, undefined)
  const posted = await alice.post('/tweet', { msg: `${pages.url}/page` })
  const page = await bob.get('/timeline', { as: 'browser' })
  assert.deepEqual(endedSpans('previews.fetch'), [])
  assert.deepEqual(pages.asked, [])
  for (const { queries } of [posted, page])
    for (const query of queries)
      assert.doesNotMatch(String(query.attributes['db.query.text']), /preview/)
  await app.database.db.run(
    sql.raw(
      `insert into tweet_previews (tweet_id, url, title) values (1, '${pages.url}/', 'kept')`,
    ),
  )
  assert.doesNotMatch((await bob.get('/timeline')).text, /preview|kept/)
  assert.equal(told(await alice.post('/tweet/1/preview/delete')), '200 json')
  assert.deepEqual(await bySql(app, 'select count(*) from tweet_previews'), [0])
})
