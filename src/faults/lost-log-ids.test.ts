import assert from 'node:assert/strict'
import test from 'node:test'

import { logs } from '@opentelemetry/api-logs'
import {
  InMemoryLogRecordExporter,
  LoggerProvider,
  SimpleLogRecordProcessor,
} from '@opentelemetry/sdk-logs'

import { startTown, struck } from '../../test/fault-rig.ts'
import { requestEvent, printRequests, setLogLevel } from '../telemetry/log.ts'

test('lost-log-ids: the line of a request no longer names its trace', async (t) => {
  await using town = await startTown()
  const exporter = new InMemoryLogRecordExporter()
  const processors = [new SimpleLogRecordProcessor({ exporter })]
  logs.setGlobalLoggerProvider(new LoggerProvider({ processors }))
  printRequests(false)
  setLogLevel('info')
  t.after(() => {
    setLogLevel('silent')
    logs.disable()
  })
  const hasId = async () => {
    exporter.reset()
    const answer = await town.mara.get('/timeline')
    const line = exporter
      .getFinishedLogRecords()
      .find(({ eventName }) => eventName === requestEvent)
    assert.equal(line?.attributes['http.route'], '/timeline')
    return line.spanContext?.traceId === answer.headers.get('X-Trace-Id')
  }
  assert.deepEqual(await struck(town.mara, ['lost-log-ids'], hasId), {
    before: true,
    during: false,
    byHand: true,
    byTime: true,
  })
})
