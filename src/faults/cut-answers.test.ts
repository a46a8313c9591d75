import assert from 'node:assert/strict'
import type { AddressInfo } from 'node:net'
import test from 'node:test'

import { startFault, startTown, struck } from '../../test/fault-rig.ts'
import { endedSpans } from '../../test/harness.ts'
import { listen } from '../http/listen.ts'

test('cut-answers: the connection ends within the page, though its status says 200', async () => {
  await using town = await startTown()
  const { app, mara } = town
  const server = await listen((request, bindings) => app.fetch(request, bindings), {
    ...app.settings,
    PORT: 0,
  })
  try {
    const { port } = server.address() as AddressInfo
    const fetched = async (path: string) => {
      const answer = await fetch(`http://127.0.0.1:${port}${path}`, {
        headers: { Accept: 'text/html' },
        signal: AbortSignal.timeout(20_000),
      })
      const text = await answer.text().catch(() => undefined)
      return { status: answer.status, isWhole: text?.includes('</html>') ?? false }
    }
    const recorded = async (path: string) => {
      const answer = await fetched(path)
      const bytes = endedSpans(`GET ${path}`).at(-1)?.attributes['http.response.body.size']
      return { ...answer, bytes: Number(bytes) }
    }
    const options = { strength: '25', route: '/' }
    const measured = await struck(mara, ['cut-answers', options], () => recorded('/'))
    const { bytes } = measured.before
    for (const calm of [measured.before, measured.byHand, measured.byTime]) {
      assert.deepEqual([calm.status, calm.isWhole], [200, true])
      assert.ok(calm.bytes > bytes * 0.9)
    }
    assert.deepEqual([measured.during.status, measured.during.isWhole], [200, false])
    assert.ok(
      Math.abs(measured.during.bytes / bytes - 0.25) < 0.1,
      `${measured.during.bytes} bytes`,
    )
    await startFault(mara, 'cut-answers', options)
    assert.equal((await fetched('/everybody')).isWhole, true)
  } finally {
    server.closeAllConnections()
    server.close()
  }
})
