import assert from 'node:assert/strict'
import { AsyncLocalStorage } from 'node:async_hooks'
import test from 'node:test'

import { startApp } from '../../test/harness.ts'
import { newCosts } from '../telemetry/query-tracing.ts'
import { chipOf } from './chip.tsx'
import { html } from './html.ts'

test('a template has no line breaks, its values keep theirs', () => {
  const words = 'one\n  two & three'
  const page = html`<p class="msg">${words}</p>
    <b>${1}</b>`
  assert.equal(page.toString(), '<p class="msg">one\n  two &amp; three</p> <b>1</b>')
})

test('the chip is ASCII, as which it is written into its page', () => {
  for (const failed of [false, true]) {
    const chip = chipOf({ traceId: 'ab'.repeat(16), failed, keeper: 'one~1' })
    const text = chip.text(newCosts(true), performance.now() + 120)
    assert.match(text, /^[\x20-\x7e]+$/)
    assert.match(text, /href="\/traces\/(ab){16}\?kept_by=one~1"/)
    assert.ok(text.length <= chip.bytesMax)
  }
})

test('rendering uses no AsyncLocalStorage, which makes each promise dearer', async (t) => {
  await using app = await startApp()
  const alice = await app.person('Alice')
  await alice.tweet('hello')
  const used = new Set<unknown>()
  const original: unknown = Reflect.get(AsyncLocalStorage.prototype, 'run')
  t.mock.method(AsyncLocalStorage.prototype, 'run', function (this: unknown, ...rest: unknown[]) {
    used.add(this)
    return Reflect.apply(original as () => unknown, this, rest)
  })
  for (const path of ['/', '/timeline', '/@alice', '/account', '/nothing']) await alice.get(path)
  // That of the spans, which the tests record; on a server, that of the time which a request has for it, too.
  assert.equal(used.size, process.env['TEST_DATABASE'] === 'server' ? 2 : 1)
})
