// Link previews of the real process: what it exports, and that its shutdown waits for no page.
import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as pause } from 'node:timers/promises'

import { ask, told } from './exported.ts'
import { pageServer } from './page-server.ts'
import { register, scratch, startServer } from './process.ts'

/** Asks again until the page fits, for half a minute at most. */
async function until(fits: () => Promise<boolean>): Promise<void> {
  for (const giveUp = Date.now() + 30_000; !(await fits()); await pause(20))
    assert.ok(Date.now() < giveUp, 'it took more than half a minute')
}

test('a preview is a trace of its own, with a span for each hop: no query, no title, no traceparent, no series for a host', async () => {
  await using pages = await pageServer()
  const links = [`${pages.url}/hop1`, `${pages.url}/geese?token=sesame`, `${pages.url}/reset`]
  const result = await told({ ...pages.env, INSPECT: '0' }, async (server) => {
    const cookie = await register(server.url, 'alice')
    for (const msg of links) await ask(server, '/tweet', { cookie, fields: { msg } })
    await until(async () => {
      const { text } = await ask(server, '/timeline', { as: 'browser', cookie })
      return text.split('class="preview"').length === 3
    })
  })
  assert.equal(result.code, 0)
  const traces = result.spans.filter(({ name }) => name === 'previews.fetch')
  const kept = traces.map(({ attributes }) => String(attributes['app.preview.outcome'])).toSorted()
  assert.deepEqual(kept, ['fetched', 'fetched', 'unreachable'])
  const creates = result.spans.filter(({ name }) => name === 'tweets.create')
  for (const root of traces) {
    assert.ok(!root.parentSpanId || root.parentSpanId.length === 0)
    assert.ok(creates.some(({ traceId }) => traceId !== root.traceId))
  }
  const hops = result.spans.filter(({ attributes }) => 'url.full' in attributes)
  assert.deepEqual(hops.map(({ attributes }) => String(attributes['url.full'])).toSorted(), [
    `${pages.url}/geese`,
    `${pages.url}/hop1`,
    `${pages.url}/page`,
    `${pages.url}/reset`,
  ])
  assert.ok(hops.every(({ traceId }) => traces.some((root) => root.traceId === traceId)))
  assert.doesNotMatch(result.bytes, /geese<|All about|wedges|sesame/)
  for (const { headers } of pages.asked)
    assert.deepEqual([headers['traceparent'], headers['baggage']], [undefined, undefined])

  const metric = (name: string) => result.metrics.find((one) => one.name === name)!
  const counted = metric('tracewren.link_previews').points.map(({ attributes }) => attributes)
  assert.deepEqual(counted.map(({ outcome }) => String(outcome)).toSorted(), [
    'fetched',
    'unreachable',
  ])
  for (const { attributes } of metric('http.client.request.duration').points)
    assert.ok(!('server.address' in attributes) && !('server.port' in attributes))
})

test('a shutdown drops what waits and stops what is read', async () => {
  await using pages = await pageServer()
  using place = scratch()
  const env = { ...pages.env, DATABASE_URL: `file:${place.folder}/x.db` }
  await using server = await startServer(env)
  const cookie = await register(server.url, 'alice')
  for (let n = 0; n < 10; n++)
    await ask(server, '/tweet', { cookie, fields: { msg: `${pages.url}/hang?${n}` } })
  for (let n = 0; n < 10; n++)
    await ask(server, '/tweet', { cookie, fields: { msg: `${pages.url}/drip?${n}` } })
  const started = performance.now()
  assert.equal(await server.stop(), 0)
  // Pages that hang take 3 s each, four at once.
  assert.ok(performance.now() - started < 2900)
})

test('a link that waits for a place says so in its trace', async () => {
  await using pages = await pageServer()
  const result = await told({ ...pages.env, INSPECT: '0' }, async (server) => {
    const cookie = await register(server.url, 'alice')
    for (let n = 0; n < 5; n++)
      await ask(server, '/tweet', { cookie, fields: { msg: `${pages.url}/hang#${n}` } })
    // Four wait for the page that hangs, the fifth for a place, until the process stops.
  })
  const waits = result.spans.filter(({ name }) => name === 'preview_queue.wait')
  assert.equal(waits.length, 1)
  const root = result.spans.find(({ spanId }) => spanId === waits[0]!.parentSpanId)
  assert.equal(root?.name, 'previews.fetch')
  assert.ok(root.start <= waits[0]!.start && waits[0]!.end <= root.end)
})
