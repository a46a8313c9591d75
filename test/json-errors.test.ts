// A client whose `Accept` names JSON and not HTML gets every error as {"error": "…"}, with the status that others get.
import assert from 'node:assert/strict'
import test from 'node:test'

import type { Answer } from './harness.ts'
import { pathOf, requiredOf, rows, world, type Row, type World } from './http-table.ts'

type Try = { why: string; path: string; init: RequestInit; headers?: Record<string, string> }

const form = (fields: Record<string, string>) => ({ body: new URLSearchParams(fields) })
const unknownIds = (path: string) =>
  path.replaceAll(/\d+|@\w+/g, (id) => (id[0] === '@' ? '@nobody' : '99999'))

/** The errors that each row can have. */
function triesOf(row: Row, here: World): Try[] {
  const path = pathOf(row, here)
  const { method } = row
  const required = requiredOf(row)
  const reads: Try[] = [
    { why: 'a wrong method', path, init: { method: 'DELETE' } },
    {
      why: 'no such id',
      path: unknownIds(path),
      init: { method, ...(method === 'POST' && form(required)) },
    },
    {
      why: 'a wrong cursor',
      path: `${path}?before=x&limit=x&by=x&status=x&level=x`,
      init: { method },
    },
  ]
  if (method === 'GET') return reads
  const wrongs = Object.fromEntries(Object.keys(required).map((name) => [name, 'x'.repeat(600)]))
  return [
    ...reads,
    { why: 'no fields', path, init: { method } },
    { why: 'fields that break a rule', path, init: { method, ...form(wrongs) } },
    {
      why: 'another site',
      path,
      init: { method },
      headers: { Origin: 'https://evil.example', 'Sec-Fetch-Site': 'cross-site' },
    },
    {
      why: 'a body that is no form',
      path,
      init: { method, body: '{}' },
      headers: { 'Content-Type': 'application/json', 'Content-Length': '2' },
    },
    {
      why: 'a body that is too large',
      path,
      init: { method, ...form({ msg: 'x'.repeat(70_000) }) },
      headers: { 'Content-Length': '70004' },
    },
  ]
}

const isJsonError = ({ text, headers }: Answer) =>
  headers.get('Content-Type')?.startsWith('application/json') &&
  typeof (JSON.parse(text) as { error?: unknown }).error === 'string'

/** Two routes would change the session that the others need; the streams are endless. */
const left = new Set(['/logout', '/account/delete', '/traces/live', '/timeline/live'])

test('every error of every route is JSON for a client that asks for JSON, with the status that a program gets', async () => {
  const here = await world()
  await using _ = here.app
  const wrong: string[] = []
  let errors = 0
  for (const row of rows.filter(({ path }) => !left.has(path))) {
    for (const who of [here.bob, here.app.visitor()]) {
      for (const { why, path, init, headers = {} } of triesOf(row, here)) {
        const other = await who.send(path, init, { as: 'program', headers })
        const answer = await who.send(path, init, { as: 'json', headers })
        const where = `${row.request}, ${why}`
        // A success may change the state for the second request.
        if (other.status >= 400 && answer.status !== other.status)
          wrong.push(`${where}: ${answer.status}, not ${other.status}`)
        if (answer.status < 400) continue
        errors += 1
        if (!isJsonError(answer)) wrong.push(`${where}: ${answer.text.slice(0, 60)}`)
      }
    }
  }
  assert.deepEqual(wrong.slice(0, 20), [])
  assert.ok(errors > 250, `only ${errors} errors were met`)
})

test('which clients want JSON: those whose Accept names it, and not HTML', async () => {
  const here = await world()
  await using _ = here.app
  const kinds: [accept: string, wants: boolean][] = [
    ['application/json', true],
    ['Application/JSON; charset=utf-8', true],
    ['application/json, text/plain, */*', true],
    ['application/json, text/html;q=0', true],
    ['*/*', false],
    ['', false],
    ['text/html, application/json', false],
    ['application/json;q=0, */*', false],
    ['application/jsonlines', false],
  ]
  for (const [accept, wants] of kinds) {
    const answer = await here.app.visitor().get('/nowhere', { headers: { Accept: accept } })
    assert.equal(answer.status, 404)
    assert.equal(isJsonError(answer) ?? false, wants, accept)
  }
})
