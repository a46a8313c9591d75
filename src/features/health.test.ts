import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from '../../test/harness.ts'

test('a stopping process is alive but not ready; it still answers and closes the connection', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  const ask = async (path: string) => {
    const { status, text, headers } = await visitor.get(path)
    return { status, text: text.length < 50 ? text : '', connection: headers.get('Connection') }
  }
  for (const path of ['/livez', '/readyz'])
    assert.deepEqual(await ask(path), { status: 200, text: 'ok\n', connection: null })

  app.state.stopping = true
  assert.deepEqual(await ask('/livez'), { status: 200, text: 'ok\n', connection: 'close' })
  assert.deepEqual(await ask('/readyz'), { status: 503, text: 'stopping\n', connection: 'close' })
  assert.deepEqual(await ask('/'), { status: 200, text: '', connection: 'close' })
})
