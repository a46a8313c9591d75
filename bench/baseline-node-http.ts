// The lower bound: node:http alone, with the same bytes and headers as an answer of the server under test.
import { readFileSync } from 'node:fs'
import { createServer } from 'node:http'

import type { Recorded } from './client.ts'

/** One answer for each case; the client adds the name of the case to the path of a request, as a fragment. */
const file = process.argv[3]
const answers = new Map<string, { status: number; headers: string[]; body: Buffer }>()
if (file !== undefined) {
  const all = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Recorded>
  for (const [key, { status, headers, body }] of Object.entries(all))
    answers.set(key, { status, headers: headers.flat(), body: Buffer.from(body, 'base64') })
}

const server = createServer((request, response) => {
  const found = answers.get(request.headers['x-baseline'] as string)
  const reply = () => {
    if (found) response.writeHead(found.status, found.headers).end(found.body)
    else response.end('hello')
  }
  // Read the body before the answer, as the server under test does.
  if (request.method === 'GET') reply()
  else request.resume().on('end', reply)
})
server.keepAliveTimeout = 65_000
server.listen(Number(process.argv[2]), '127.0.0.1')
