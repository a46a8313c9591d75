// Reading on in the inspector: older log lines, the values of the charts as text, a request as a curl command.
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import test from 'node:test'

import { SpanKind } from '@opentelemetry/api'

import { curlOf } from '../src/inspector/curl.ts'
import type { RecordedLog, RecordedSpan } from '../src/trace-store/recorded.ts'
import { recorderBounds } from '../src/trace-store/recorder.ts'
import { bucketMs, bucketsKept } from '../src/trace-store/statistics.ts'
import { inspector, span, spanId } from './inspected.ts'

const line = (message: string, level = 'info'): RecordedLog => ({
  at: 1e6,
  level,
  message,
  facts: {},
  traceId: undefined,
  spanId: undefined,
})

test('older log lines are loaded, with the filters, until the oldest', async () => {
  await using place = await inspector()
  for (let number = 1; number <= 250; number++)
    place.recorder.takeLog(line(`line ${number}.`, number % 10 === 0 ? 'error' : 'info'))
  const linesIn = (text: string) =>
    [...text.matchAll(/>\s*line (\d+)\./g)].map(([, id]) => Number(id))
  const seen: number[] = []
  let path: string | undefined = '/logs?q=line&level=info'
  for (let page = 0; path && page < 5; page++) {
    const { text }: { text: string } = await place.get(path)
    seen.push(...linesIn(text))
    path = /href="(\/logs\?[^"]*before=\d+)"/.exec(text)?.[1]?.replaceAll('&amp;', '&')
    if (path) assert.match(path, /q=line&level=info&before=/)
    // New lines do not move the pages.
    place.recorder.takeLog(line('line 999999.'))
  }
  const expected = Array.from({ length: 250 }, (_, index) => 250 - index)
  assert.deepEqual(
    seen,
    expected.filter((number) => number % 10 !== 0),
  )
  const older = await place.get('/logs?before=200')
  assert.equal(linesIn(older.text)[0], 199)
  assert.match(older.text, /href="\/logs">\s*Back to the newest/)
  assert.equal((await place.get('/logs?before=-1')).status, 400)
})

test('when the older lines were dropped, the page says so', async () => {
  await using place = await inspector()
  for (let number = 1; number <= recorderBounds.logs + 50; number++)
    place.recorder.takeLog(line(`line ${number}.`))
  const { status, text } = await place.get('/logs?before=20')
  assert.equal(status, 200)
  assert.match(text, /The older lines that pass these filters were dropped/)
})

test('the values of the charts are text, too: the highest of each minute', async () => {
  await using place = await inspector()
  const now = Date.now()
  for (const [trace, at, ms] of [
    [1, now, 40],
    [2, now - 5 * 60_000, 7],
  ] as const)
    place.recorder.takeSpan(span({ id: 1, trace: spanId(trace).repeat(2), at, ms }))
  const { text } = await place.get('/traces')
  const table = /<table class="requests sums">(.*?)<\/table>/s.exec(text)![1]!
  const heads = [...table.matchAll(/<th scope="col"[^>]*>(.*?)<\/th>/g)].map(([, head]) => head)
  assert.deepEqual(heads, [
    'Minutes ago',
    'Rate',
    'Errors',
    'Duration p50',
    'Duration p95',
    'Duration p99',
  ])
  const rows = [...table.matchAll(/<tr><th scope="row">(.*?)<\/th>(.*?)<\/tr>/g)]
  assert.equal(rows.length, 10)
  assert.match(rows[0]![0], /0 to 1.*0\.1 \/s.*0 errors.*40\.0 ms/)
  assert.equal(rows.filter(([row]) => /7\.00 ms/.test(row)).length, 1)
})

test('what is cached of the list follows each request, each ten seconds and each filter', async () => {
  await using place = await inspector()
  const says = async (path = '/traces') => {
    const { text } = await place.get(path)
    const [, charts] = /<b>(\d+ requests?)<\/b>/.exec(text)!
    const [, listed] = /of (\d+ requests?)\s*</.exec(text)!
    return [charts, listed, /name="q" value="([^"]*)"/.exec(text)![1]]
  }
  const now = Date.now()
  const take = (trace: number) =>
    place.recorder.takeSpan(span({ id: 1, trace: spanId(trace).repeat(2), at: now }))
  take(1)
  assert.deepEqual(await says(), ['1 request', '1 request', ''])
  take(2)
  assert.deepEqual(await says(), ['2 requests', '2 requests', ''])
  assert.deepEqual(await says('/traces?q=nothing'), ['2 requests', '0 requests', 'nothing'])
  assert.deepEqual(await says(), ['2 requests', '2 requests', ''])
  place.recorder.clear()
  assert.deepEqual(await says(), ['0 requests', '0 requests', ''])

  take(3)
  const { statistics } = place.recorder
  const busy = (at: number) => statistics.series(at).findIndex(({ count }) => count > 0)
  assert.equal(busy(now + bucketMs), busy(now) - 1)
  assert.equal(busy(now + bucketsKept * bucketMs), -1)
  assert.equal(busy(now), bucketsKept - 1, 'the clock was set back')
})

test('the line of a request has its duration, and is found by it', async () => {
  await using place = await inspector()
  const facts = {
    'http.request.method': 'GET',
    'url.path': '/x',
    'http.response.status_code': 200,
  }
  place.recorder.takeLog({ ...line('request'), facts, ms: 12.345 })
  for (const path of ['/logs', '/logs?q=%22duration_ms%22%3A12.345'])
    assert.match((await place.get(path)).text, /GET \/x\s*<small>200 12\.3 ms<\/small>/, path)
  assert.match((await place.get('/logs?q=12.346')).text, /No line passes/)
})

const attributes = {
  'http.request.method': 'POST',
  'url.path': '/tweet',
  'app.client.kind': 'partial',
  'app.form.fields': ['msg', 'key'],
}
const origin = 'http://localhost:5000'
const commandOf = (more: RecordedSpan['attributes']) =>
  curlOf(span({ id: 1, attributes: { ...attributes, ...more } }), origin)

/** What a shell gives to curl. */
function argumentsOf(command: string): string[] {
  const { stdout, stderr } = spawnSync('sh', ['-c', `curl() { printf '%s\\n' "$@"; }\n${command}`])
  assert.equal(stderr.toString(), '')
  return stdout.toString().trimEnd().split('\n')
}

test('a request as a curl command: method, URL, the names of the fields, no cookie', () => {
  assert.deepEqual(argumentsOf(commandOf({})!), [
    '--globoff',
    '--path-as-is',
    '--request',
    'POST',
    '--header',
    'Accept: text/html',
    '--header',
    'HX-Request: true',
    '--header',
    'HX-Request-Type: partial',
    '--data-urlencode',
    'msg=',
    '--data-urlencode',
    'key=',
    'http://localhost:5000/tweet',
  ])
  assert.doesNotMatch(commandOf({ 'http.request.header.cookie': ['secret'] })!, /cookie|secret/i)
  const plain = { 'app.form.fields': undefined, 'app.client.kind': 'program' }
  assert.match(commandOf({ ...plain, 'http.request.method': 'HEAD' })!, /--head 'http/)
  assert.equal(
    commandOf({ ...plain, 'http.request.method': 'GET', 'url.query': 'a=1&b=[2]' }),
    "curl --globoff --path-as-is 'http://localhost:5000/tweet?a=1&b=[2]'",
  )
  for (const strange of [
    { 'http.request.method': '_OTHER' },
    { 'url.path': '*' },
    { 'url.path': 7 },
  ])
    assert.equal(commandOf(strange), undefined, JSON.stringify(strange))
})

test('whatever a client sends, a shell that gets the command only calls curl', () => {
  const hostile = [
    "/'; echo pwned; '",
    '/$(echo pwned)',
    '/`echo pwned`',
    '/\n echo pwned\n',
    "/\\'; echo pwned #",
    '/\u001b]0;pwned\u0007',
    '/\u202egnp.exe',
    '/\ud800',
    '/ü "x" & echo pwned | sh > /dev/null',
    '/!!',
    '/{a,b}[1-3]',
  ]
  for (const text of hostile) {
    const command = commandOf({ 'url.path': text, 'url.query': text, 'app.form.fields': [text] })!
    assert.match(command, /^[\u0020-\u007e]+$/, text)
    const got = argumentsOf(command)
    assert.equal(got.length, 13, JSON.stringify(got))
    assert.ok(got.at(-1)!.startsWith('http://localhost:5000/'), text)
    assert.ok(!got.includes('pwned'), text)
  }
})

test('the page of a trace has the command; a real form has the names of its declared fields only', async () => {
  await using place = await inspector()
  const alice = place.as(await place.base.person('Alice'))
  const { spans } = await alice.post('/tweet', { msg: 'a secret text', made_up: 'x' })
  for (const one of spans) place.recorder.takeSpan(one)
  const root = spans.find(({ kind }) => kind === SpanKind.SERVER)!
  assert.deepEqual(root.attributes['app.form.fields'], ['msg'])
  const page = await place.get(`/traces/${root.spanContext().traceId}`)
  assert.match(
    page.text,
    /<pre id="curl">curl[^<]*--request POST --data-urlencode &#39;msg=&#39; &#39;http:\/\/localhost\/tweet&#39;<\/pre>/,
  )
  assert.doesNotMatch(page.text, /secret|made_up/)
})
