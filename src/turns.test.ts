import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp, type AskerName } from '../test/harness.ts'

test('a crowd: some are served, the rest are refused at once, and afterwards all is as before', async () => {
  await using app = await startApp({ REQUEST_QUEUE: '5' })
  const visitor = app.visitor()
  const crowd = await Promise.all(Array.from({ length: 30 }, () => visitor.get('/')))
  const served = crowd.filter(({ status }) => status === 200)
  const refused = crowd.filter(({ status }) => status === 503)
  assert.equal(served.length, 6, 'one began, five waited')
  assert.equal(refused.length, 24)
  for (const answer of refused) {
    assert.equal(answer.headers.get('Retry-After'), '1')
    assert.equal(answer.spans[0]?.attributes['app.error.slug'], 'too_many_waiting')
  }
  assert.equal((await visitor.get('/')).status, 200)
})

test('whoever is refused in a crowd is told so in their own way; health checks are not in the queue', async () => {
  await using app = await startApp({ REQUEST_QUEUE: '1' })
  const visitor = app.visitor()
  const first = [visitor.get('/'), visitor.get('/')]
  const ask = (as: AskerName, path = '/', method = 'GET') => visitor.send(path, { method }, { as })
  const [page, partial, program, alive] = await Promise.all([
    ask('browser'),
    ask('htmx'),
    ask('program', '/favorite/1', 'POST'),
    ask('program', '/livez'),
  ])
  assert.match(page.text, /<h1 class="big">This server is busy\. Try again in a moment\.<\/h1>/)
  assert.equal(partial.text, '<p class="problem">This server is busy. Try again in a moment.</p>')
  assert.deepEqual(JSON.parse(program.text), {
    error: 'This server is busy. Try again in a moment.',
  })
  assert.deepEqual(
    [page, partial, program].map(({ status }) => status),
    [503, 503, 503],
  )
  assert.equal(alive.status, 200)
  for (const answer of await Promise.all(first)) assert.equal(answer.status, 200)
})
