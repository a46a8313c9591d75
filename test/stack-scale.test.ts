// compose.scale.yaml: several processes of the app on a libSQL server, as Compose reads it.
import assert from 'node:assert/strict'
import test from 'node:test'

import { composeCommand, configOf } from './compose.ts'

type Strict = {
  read_only?: boolean
  cap_drop?: string[]
  user?: string
  command?: string[]
  container_name?: string
  depends_on?: Record<string, { condition: string }>
}

test('compose.scale.yaml: nothing keeps the app from having three containers, all on the libSQL server', (t) => {
  const command = composeCommand(t)
  if (!command) return
  const words = ['-f', 'compose.yaml', '-f', 'compose.scale.yaml']
  const { services } = configOf(command, { words })
  const [app, libsql] = [services['app']!, services['libsql']!]
  const replica = services['libsql-replica']! as Strict & typeof libsql
  assert.equal(app.environment!['DATABASE_URL'], 'http://libsql:8080')
  assert.equal(app.environment!['DATABASE_REPLICA_URL'], 'http://libsql-replica:8080')
  assert.equal(app.ports, undefined)
  for (const service of Object.values(services) as Strict[])
    assert.equal(service.container_name, undefined)
  assert.equal((app as Strict).depends_on!['libsql']!.condition, 'service_healthy')
  assert.match(libsql.image, /^ghcr\.io\/tursodatabase\/libsql-server:v\d+\.\d+\.\d+$/)
  assert.equal(libsql.ports, undefined, 'only the stack reaches the database')
  const strict = libsql as Strict
  assert.ok(strict.command!.includes('--max-concurrent-connections=4'))
  assert.deepEqual([strict.read_only, strict.cap_drop, strict.user], [true, ['ALL'], '10001:10001'])
  assert.equal(replica.image, libsql.image)
  assert.equal(replica.ports, undefined, 'only the stack reaches the replica')
  assert.ok(strict.command!.includes('--grpc-listen-addr=0.0.0.0:5001'))
  assert.ok(replica.command!.includes('--primary-grpc-url=http://libsql:5001'))
  const { read_only, cap_drop, user } = replica
  assert.deepEqual([read_only, cap_drop, user], [true, ['ALL'], '10001:10001'])
  assert.equal(services['nginx']!.environment!['APP_SERVERS'], '')
  const named = {
    APP_DATABASE_URL: 'https://db.example.org',
    APP_DATABASE_REPLICA_URL: '',
    APP_SERVERS: 'a:1,b:2',
  }
  const other = configOf(command, { words, env: named }).services
  assert.equal(other['app']!.environment!['DATABASE_URL'], named.APP_DATABASE_URL)
  assert.equal(other['app']!.environment!['DATABASE_REPLICA_URL'], '')
  assert.equal(other['nginx']!.environment!['APP_SERVERS'], named.APP_SERVERS)
})
