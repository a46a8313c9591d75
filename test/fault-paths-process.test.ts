// Each fault of a real process can be found with the pages of the inspector alone, on the way that its text names.
import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'

import { faults } from '../src/faults/list.ts'
import { faultPaths, look } from './fault-paths.ts'
import { startSink, type Sink } from './otlp-sink.ts'
import { Player } from './player.ts'
import { post, scratch, startServer, type Server } from './process.ts'

const attempts = 3
const place = scratch()
let sink: Sink
let server: Server
let player: Player

before(async () => {
  sink = await startSink()
  server = await startServer({
    DATABASE_URL: `file:${place.folder}/town.db`,
    OTEL_EXPORTER_OTLP_ENDPOINT: sink.url,
    OTEL_BSP_SCHEDULE_DELAY: '200',
    LIMIT_LOGIN_ACCOUNT: '1000/60',
    LIMIT_LOGIN_CLIENT: '1000/60',
    LIMIT_WRITE: '10000/60',
  })
  const fields = { mailaddress: 'user0003@example.com', password: 'password123' }
  const login = await post(`${server.url}/login`, fields)
  player = new Player(server.url, login?.headers.getSetCookie()[0]?.split(';')[0] ?? '')
  await player.visit(5, '/timeline', '/favorites')
})
after(async () => {
  await server[Symbol.asyncDispose]()
  await sink.close()
  place[Symbol.dispose]()
})

test('there is a path for each fault', () => {
  assert.deepEqual(
    faultPaths.map(({ name }) => name).toSorted(),
    faults.map(({ name }) => name).toSorted(),
  )
})

// Those that need samples of ten seconds have a test beside their source, which makes the samples.
for (const path of faultPaths.filter(({ isSlow }) => !isSlow)) {
  test(`${path.name}: ${path.signal}`, { timeout: 120_000 }, async (t) => {
    t.after(() => player.fault('stop'))
    // A busy machine may hide a signal once; a signal that is not there stays hidden.
    let [seen, moved] = ['', false]
    for (let attempt = 0; attempt < attempts && !moved; attempt++) {
      await player.fault('stop')
      const calm = await look(player, path)
      await player.fault(path.name, path.fields)
      const struck = await look(player, path)
      seen = `${path.signal}: ${calm.signal} before, ${struck.signal} struck`
      moved = path.moves(calm.signal, struck.signal)
    }
    assert.ok(moved, seen)
    await path.follow?.(player)
  })
}
