// The feed of a person, read by a real XML parser (Python's expat), so that no hostile text breaks it.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'

import { sql } from 'drizzle-orm'

import { startApp, type Answer } from '../../../test/harness.ts'
import { has } from '../../../test/programs.ts'

type Entry = { id: string; title: string; link: string; related: string | null; content: string }
type Parsed = { id: string; title: string; self: string; author: string; entries: Entry[] }

const reader = `
import json, sys, xml.etree.ElementTree as tree
a = '{http://www.w3.org/2005/Atom}'
feed = tree.fromstring(sys.stdin.buffer.read())
assert feed.tag == a + 'feed', feed.tag
def link(node, rel):
    return next((one.get('href') for one in node.findall(a + 'link') if one.get('rel') == rel), None)
def entry(one):
    for name in ('id', 'title', 'updated', 'published', 'content'): assert len(one.findall(a + name)) == 1, name
    return dict(id=one.findtext(a + 'id'), title=one.findtext(a + 'title'), content=one.findtext(a + 'content'),
        link=link(one, 'alternate'), related=link(one, 'related'))
for name in ('id', 'title', 'updated', 'author'): assert len(feed.findall(a + name)) == 1, name
json.dump(dict(id=feed.findtext(a + 'id'), title=feed.findtext(a + 'title'), self=link(feed, 'self'),
    author=feed.findtext(a + 'author/' + a + 'name'), entries=[entry(one) for one in feed.findall(a + 'entry')]), sys.stdout)
`

/** What a feed reader sees; fails where the XML is not well-formed. */
function parse({ status, text, headers }: Pick<Answer, 'status' | 'text' | 'headers'>): Parsed {
  assert.equal(status, 200)
  assert.equal(headers.get('Content-Type'), 'application/atom+xml; charset=UTF-8')
  const done = spawnSync('python3', ['-c', reader], { input: text, timeout: 20_000 })
  assert.equal(done.status, 0, `${String(done.error ?? done.stderr)}\n${text.slice(0, 2000)}`)
  return JSON.parse(String(done.stdout)) as Parsed
}

test('a feed has the 20 newest posts without retweets, and absolute links', async (t) => {
  if (!has(t, 'python3')) return
  await using app = await startApp()
  const [alice, bob] = [await app.person('Alice'), await app.person('Bob')]
  const theirs = await bob.tweet('Something of Bob')
  for (let number = 1; number <= 19; number++) await alice.tweet(`post ${number}`)
  await alice.post(`/retweet/${theirs}`)
  await alice.post('/tweet', { msg: 'a reply', reply_to: String(theirs) })
  await alice.post('/tweet', { msg: 'See https://example.org/a?b=1&c=2, @bob', quote: `${theirs}` })
  await alice.tweet('two\nlines')
  const feed = parse(await app.visitor().get('/@alice/feed'))
  assert.equal(feed.title, 'Alice (@alice) - Tracewren')
  assert.equal(feed.author, 'Alice')
  assert.equal(feed.self, 'http://localhost:5000/@alice/feed')
  assert.equal(feed.entries.length, 20)
  const [lines, quote, ...posts] = feed.entries
  assert.match(lines!.content, /two<br>lines/)
  assert.equal(quote!.related, `http://localhost:5000/tweet/${theirs}`)
  assert.match(quote!.content, /href="https:\/\/example\.org\/a\?b=1&amp;c=2"/)
  assert.match(quote!.content, /href="http:\/\/localhost:5000\/@bob"/)
  assert.match(quote!.content, /<blockquote>.*tweet\/1">@bob<.*Something of Bob/)
  assert.deepEqual(
    posts.map(({ title }) => title),
    Array.from({ length: 18 }, (_, index) => `post ${19 - index}`),
  )
  assert.equal(new Set(feed.entries.map(({ id }) => id)).size, 20)
  assert.ok(feed.entries.every(({ link }) => /^http:\/\/localhost:5000\/tweet\/\d+$/.test(link)))
  const profile = await app.visitor().get('/@alice/replies', { as: 'browser' })
  assert.match(
    profile.text,
    /<link rel="alternate" type="application\/atom\+xml"[^>]*href="\/@alice\/feed"/,
  )
})

const hostile = [
  '</content></entry></feed>',
  ']]> <![CDATA[ & &amp; &nbsp; &#0; &#xFFFF;',
  '<!DOCTYPE feed [<!ENTITY x SYSTEM "file:///etc/passwd">]>&x;',
  '"\'><script>alert(1)</script>',
  'مرحبا بالعالم שלום 你好 ภาษาไทย 👩‍🚀 𝒳 🏴󠁧󠁢󠁳󠁣󠁴󠁿 e\u0301',
  '\ufffe\uffff and \u{1fffe}',
  'nothing but \u0001\u0008\u000b\u001f\u007f\u0085\u009f',
  'a lone \\ud800 half',
  'tab\tand return\r\nand next',
  '<?xml version="1.0"?><!-- -- -->',
]

test('every text of a person is valid XML, and reads as it was written', async (t) => {
  if (!has(t, 'python3')) return
  await using app = await startApp()
  const alice = await app.person('Alice')
  const { db } = app.database
  // Written into the table: a form would refuse some of them.
  for (const [at, msg] of hostile.entries()) {
    await db.run(sql`insert into tweets (user_id, msg, created_at) values (1, ${msg}, ${at})`)
    await db.run(sql`update users set name = ${msg}, bio = ${msg} where id = ${alice.id}`)
    const feed = parse(await app.visitor().get('/@alice/feed'))
    assert.doesNotMatch(feed.title, /[\u0000-\u0008\ufffe\uffff]/)
    assert.doesNotMatch(feed.entries[0]!.content, /<script|<!DOCTYPE|<content/)
  }
  await db.run(sql`update users set name = '<b>&' where id = ${alice.id}`)
  const feed = parse(await app.visitor().get('/@alice/feed'))
  assert.equal(feed.author, '<b>&')
  const titles = feed.entries.map(({ title }) => title).toReversed()
  assert.deepEqual(titles.slice(0, 5), hostile.slice(0, 5))
  assert.equal(titles[5], '\ufffd\ufffd and \u{1fffe}')
  assert.match(titles[6]!, /^nothing but \ufffd\ufffd/)
})

test('a feed is the same for everybody, says nothing private, and answers 304', async (t) => {
  if (!has(t, 'python3')) return
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('first')
  const open = await app.visitor().get('/@alice/feed')
  for (const as of ['browser', 'htmx', 'json'] as const) {
    const own = await alice.get('/@alice/feed', { as })
    assert.equal(own.text, open.text, as)
    assert.equal(own.headers.get('Set-Cookie'), null)
    assert.equal(own.headers.get('Vary'), null)
    assert.equal(own.headers.get('Cache-Control'), 'public, max-age=60')
  }
  assert.doesNotMatch(open.text, /example\.org|@example/, 'no e-mail address')
  const etag = open.headers.get('ETag')!
  const modified = open.headers.get('Last-Modified')!
  const ask = (headers: Record<string, string>) => app.visitor().get('/@alice/feed', { headers })
  for (const value of [etag, `W/${etag}`, `"other", W/${etag}`, '*']) {
    const known = await ask({ 'If-None-Match': value })
    assert.equal(known.status, 304, value)
    assert.equal(known.text, '')
    assert.equal(known.headers.get('ETag'), etag)
    assert.equal(known.headers.get('Cache-Control'), 'public, max-age=60')
  }
  assert.equal((await ask({ 'If-Modified-Since': modified })).status, 304)
  const both = { 'If-None-Match': '"other"', 'If-Modified-Since': modified }
  assert.equal((await ask(both)).status, 200, 'the tag counts')
  const head = await app.visitor().send('/@alice/feed', { method: 'HEAD' })
  assert.deepEqual([head.status, head.text, head.headers.get('ETag')], [200, '', etag])
  // Another post within the same second has the same date, so the date alone cannot tell.
  await app.database.db.run(
    sql`insert into tweets (user_id, msg, created_at) select 1, 'second', created_at from tweets`,
  )
  assert.equal((await ask({ 'If-Modified-Since': modified })).status, 200)
  assert.equal((await ask({ 'If-None-Match': etag })).status, 200)
})

test('ids outlive a new handle and another address; a former handle leads on, an unknown one is 404', async (t) => {
  if (!has(t, 'python3')) return
  await using app = await startApp()
  const alice = await app.person('Alice')
  const id = await alice.tweet('first')
  const before = parse(await app.visitor().get('/@alice/feed'))
  await alice.post('/account/handle', { handle: 'alicia' })
  const moved = await app.visitor().get('/@alice/feed')
  assert.deepEqual([moved.status, moved.location], [301, '/@alicia/feed'])
  assert.equal((await app.visitor().get('/%40alicia/feed')).status, 200)
  const elsewhere = { headers: { Host: 'evil.example"><x' } }
  const after = parse(await app.visitor().get('/@alicia/feed', elsewhere))
  assert.deepEqual([after.id, after.entries[0]!.id], [before.id, before.entries[0]!.id])
  assert.equal((await app.visitor().get('/@nobody/feed', { as: 'browser' })).status, 404)
  await alice.post(`/tweet/${id}/delete`)
  assert.deepEqual(parse(await app.visitor().get('/@alicia/feed')).entries, [])
})

test('with PUBLIC_ORIGIN, all links begin with it', async (t) => {
  if (!has(t, 'python3')) return
  await using app = await startApp({ PUBLIC_ORIGIN: 'https://wren.example', DEMO: '0' })
  const alice = await app.person('Alice')
  await app.database.db.run(
    sql`insert into users (name, handle, mailaddress, password_hash, created_at) values ('B', 'bea', 'b@c', '', 1)`,
  )
  await app.database.db.run(
    sql`insert into tweets (user_id, msg, created_at) select id, 'hello @bea #owl', 1 from users where handle = 'bea'`,
  )
  assert.ok(alice)
  const feed = await app.visitor().get('/@bea/feed', { headers: { Host: 'evil.example' } })
  const parsed = parse(feed)
  assert.equal(parsed.self, 'https://wren.example/@bea/feed')
  assert.doesNotMatch(feed.text, /evil|localhost|href="\//)
  assert.match(parsed.entries[0]!.content, /href="https:\/\/wren\.example\/@bea"/)
})
