// Redaction of URLs: the names of parameters are recorded, and values only of parameters that the route declares.
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test from 'node:test'

import { SpanKind } from '@opentelemetry/api'

import { startApp, type Answer, type Someone } from './harness.ts'

const recorded = ({ spans }: Answer) => {
  const { attributes } = spans.find(({ kind }) => kind === SpanKind.SERVER)!
  const query = attributes['url.query'] === undefined ? '' : `?${String(attributes['url.query'])}`
  return `${String(attributes['url.path'])}${query}`
}

const jwt = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N'
const base64url = 'Zm9vYmFyYmF6cXV4Zm9vYmFyYmF6'

/** The requested URL, and the recorded one if it differs. */
const addresses: [asked: string, kept?: string][] = [
  ['/timeline'],
  ['/timeline?before=5&through=6'],
  ['/timeline?before=hunter2'],
  ['/search?q=ducks+and%20drakes&limit=5'],
  ['/search?q='],
  ['/login#hunter2', '/login'],
  ['/timeline?before=5#hunter2', '/timeline?before=5'],
  ['/timeline#hunter2?before=5', '/timeline'],
  ['/search?q'],
  ['/login?password=hunter2&mailaddress=a%40b.c', '/login?password=REDACTED&mailaddress=REDACTED'],
  ['/login?PASSWORD=hunter2', '/login?PASSWORD=REDACTED'],
  ['/login?%70assword=hunter2', '/login?%70assword=REDACTED'],
  ['/login?pass%20word=hunter2', '/login?REDACTED=REDACTED'],
  ['/timeline?%62efore=5'],
  ['/timeline?before=5?token=hunter2', '/timeline?before=5?REDACTED'],
  ['/search?q=what?'],
  ['/login?next=/search?q=ducks'],
  ['/login??token=hunter2', '/login?REDACTED=REDACTED'],
  ['/timeline?Before=5', '/timeline?Before=REDACTED'],
  ['/timeline?q=words', '/timeline?q=REDACTED'],
  [
    '/timeline?before=5&before=6&token=a&token=b',
    '/timeline?before=5&before=6&token=REDACTED&token=REDACTED',
  ],
  ['/timeline?before=5;password=hunter2', '/timeline?before=5;password=REDACTED'],
  ['/timeline?=hunter2&&before=5&', '/timeline?REDACTED=REDACTED&&before=5&'],
  ['/timeline?before=5&password==hunter2=', '/timeline?before=5&password=REDACTED'],
  ['/timeline?%E0%A4%A=hunter2&before=%E0', '/timeline?REDACTED=REDACTED&before=%E0'],
  ['/timeline?a%5Bb%5D=hunter2', '/timeline?a%5Bb%5D=REDACTED'],
  [`/login?${jwt}`, '/login?REDACTED'],
  [`/login?${jwt}=`, '/login?REDACTED=REDACTED'],
  [`/login?${base64url}=1`, '/login?REDACTED=REDACTED'],
  ['/login?a@example.org=1', '/login?REDACTED=REDACTED'],
  ['/login?hunter2', '/login?REDACTED'],
  ['/login?next=/timeline'],
  ['/login?next=%2Ftimeline%3Fbefore%3D5'],
  [
    '/login?next=%2Fsearch%3Fq%3Dducks%26token%3Dhunter2',
    '/login?next=/search%3Fq%3Dducks%26token%3DREDACTED',
  ],
  ['/login?next=/tweet/5%23hunter2', '/login?next=/tweet/5%23REDACTED'],
  ['/login?next=/reset/hunter2', '/login?next=/reset/REDACTED'],
  [
    '/login?next=%2Flogin%3Fpassword%3Dhunter2%26next%3D%252Fsearch%253Fq%253Da%2526x%253Dhunter2',
    '/login?next=/login%3Fpassword%3DREDACTED%26next%3D/search%253Fq%253Da%2526x%253DREDACTED',
  ],
  ['/login?next=https://a:hunter2@evil.test', '/login?next=REDACTED'],
  ['/login?next=//hunter2.evil.test', '/login?next=REDACTED'],
  ['/login?next=hunter2&next=%E0hunter2', '/login?next=REDACTED&next=REDACTED'],
  ['/timeline?next=/search', '/timeline?next=REDACTED'],
  ['/no/such/page'],
  ['/no/such?before=5&q=hunter2', '/no/such?before=REDACTED&q=REDACTED'],
  ['/login;token=hunter2', '/login;token=REDACTED'],
  ['/login;hunter2', '/login;REDACTED'],
  ['/tweet/5;token=hunter2', '/tweet/5;token=REDACTED'],
  ['/login%3Fpassword=hunter2', '/REDACTED'],
  ['/login%3Bpassword%3Dhunter2', '/login%3BREDACTED'],
  ['/token=hunter2', '/REDACTED'],
  ['/reset/hunter2', '/reset/REDACTED'],
  ['/reset-password/MQ/hunter2/', '/reset-password/REDACTED/REDACTED/'],
  ['/reset%2Fhunter2', '/reset%2FREDACTED'],
  ['/%72eset/hunter2', '/%72eset/REDACTED'],
  ['/unsubscribe/a@example.org', '/unsubscribe/REDACTED'],
  ['/mail/a%40example.org', '/mail/REDACTED'],
  [`/x/${jwt}`, '/x/REDACTED'],
  [`/x/${base64url}/y`, '/x/REDACTED/y'],
  ['/x/0123456789abcdef0123', '/x/REDACTED'],
  ['/x/%25%36%38unter2', '/x/REDACTED'],
  ['/x/%E0hunter2', '/x/REDACTED'],
  ['/call/491511234567', '/call/REDACTED'],
  ['/terms-and-conditions-of-use.html', '/terms-and-conditions-of-use.html'],
  ['/static/app.css'],
  ['/static/app.css?v=1', '/static/app.css?v=REDACTED'],
  [`/static/${base64url}`, '/static/REDACTED'],
  [`/traces/${'ab'.repeat(16)}`],
  ['/@alice?before=1&x=hunter2', '/@alice?before=1&x=REDACTED'],
  ['/%40alice?before=1&x=hunter2', '/%40alice?before=1&x=REDACTED'],
  ['/register?invitation=hunter2&next=/search', '/register?invitation=REDACTED&next=/search'],
  ['/login?next=/register?invitation=hunter2', '/login?next=/register%3Finvitation%3DREDACTED'],
]

test('values that a route does not declare, and tokens in unknown paths, are not recorded', async () => {
  await using app = await startApp()
  const alice = await app.person('alice')
  for (const [asked, kept = asked] of addresses) {
    const answers = [await alice.get(asked), await app.visitor().get(asked, { as: 'browser' })]
    for (const answer of answers) {
      assert.equal(recorded(answer), kept, asked)
      if (/hunter2/.test(kept)) continue
      for (const { name, attributes } of answer.spans)
        assert.doesNotMatch(`${name} ${JSON.stringify(attributes)}`, /hunter2/, asked)
    }
  }
  const kept = '/login?password=REDACTED'
  assert.equal(recorded(await alice.send('/login?password=x', { method: 'HEAD' })), kept)
  assert.equal(recorded(await alice.send('/search?q=ducks', { method: 'HEAD' })), '/search?q=ducks')
})

test('a POST declares no query parameters, and neither does an unknown method', async () => {
  await using app = await startApp()
  const alice = await app.person('alice')
  const kept = '/login?next=REDACTED&password=REDACTED'
  const asked = '/login?next=/timeline&password=hunter2'
  assert.equal(recorded(await alice.post(asked, { password: 'x', mailaddress: 'y' })), kept)
  assert.equal(recorded(await alice.send(asked, { method: 'DELETE' })), kept)
  const id = await alice.tweet('hello')
  assert.equal(recorded(await alice.post(`/favorite/${id}?x=1`)), `/favorite/${id}?x=REDACTED`)
})

test('declared values are recorded, too, if a request is refused before its route', async () => {
  await using app = await startApp({ MAX_IN_FLIGHT: '1' })
  const { activeRequests } = await import('../src/overload/work-queue.ts')
  activeRequests.count += 1
  const busy = await app.visitor().get('/search?q=ducks&token=hunter2')
  activeRequests.count -= 1
  assert.equal(busy.status, 503)
  assert.equal(recorded(busy), '/search?q=ducks&token=REDACTED')
})

const rows = readFileSync(new URL('../docs/http.md', import.meta.url), 'utf8')
  .split('\n')
  .flatMap((line) => {
    const [, path, fields] = /^\| `GET ([^`]+)` \|([^|]*)\|/.exec(line) ?? []
    return path === undefined ? [] : [{ path, fields: fields!.match(/\w+/g) ?? [] }]
  })

test('the recorded parameters are those in the table of docs/http.md', async () => {
  await using app = await startApp()
  const alice = await app.person('alice')
  const everything = [...new Set(rows.flatMap(({ fields }) => fields))]
  assert.ok(rows.length > 25 && everything.length > 10)
  for (const { path, fields } of rows) {
    const asked = path
      .replace('/traces/:id', `/traces/${'ab'.repeat(16)}`)
      .replace(':span', 'ab'.repeat(8))
      .replace(':id', '1')
      .replace(':handle', '@alice')
      .replace(':tag', 'hello')
      .replace('*', 'app.css')
    const query = (values: string[]) =>
      everything.map((name) => `${name}=${values.includes(name) ? '/1' : 'REDACTED'}`).join('&')
    const answer = await ask(alice, `${asked}?${query(everything)}`)
    assert.equal(recorded(answer), `${asked}?${query(fields)}`, path)
  }
})

/** GET /logout ends the session of a program, but not that of a browser. */
const ask = (who: Someone, path: string) => who.get(path, { as: 'browser' })

test('a huge URL is truncated, and quickly', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  const started = performance.now()
  const lengths = [
    `/timeline?${'a&'.repeat(8000)}`,
    `/timeline?${';'.repeat(16_000)}`,
    `/timeline?${'%70=x&'.repeat(2600)}`,
    '/+'.repeat(8000),
    `/x${';a'.repeat(8000)}`,
    `/${'a-'.repeat(8000)}`,
    `/login?next=${'/+'.repeat(8000)}`,
    `/login?next=/login%3Fnext=${'%2F%2B'.repeat(2500)}`,
  ]
  for (const path of lengths)
    assert.ok(recorded(await visitor.get(path)).length < 17_000, path.slice(0, 40))
  assert.ok(performance.now() - started < 3000)
  assert.match(recorded(await visitor.get(lengths[0]!)), /^\/timeline\?(REDACTED&){100}…$/)
})
