// Receives OTLP and discards it. It parses traces only to count the requests that have arrived: a benchmark
// that loses spans would look fast.
import { createServer } from 'node:http'

const name = process.argv[3] ?? 'timeline.read'
let found = 0

createServer((request, response) => {
  const pieces: Buffer[] = []
  request.on('data', (piece: Buffer) => request.url === '/v1/traces' && pieces.push(piece))
  request.on('end', () => {
    const body = Buffer.concat(pieces)
    for (let at = body.indexOf(name); at >= 0; at = body.indexOf(name, at + 1)) found += 1
    response.writeHead(200, { 'Content-Type': 'application/x-protobuf' }).end()
  })
}).listen(Number(process.argv[2]), '127.0.0.1')

process.on('message', () => process.send!(found))
