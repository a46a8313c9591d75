// A real server of pages on loopback, for link previews: good ones and hostile ones.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { gzipSync } from 'node:zlib'

type Answer = (response: ServerResponse, request: IncomingMessage) => void

const html = { 'Content-Type': 'text/html; charset=utf-8' }
const mega = Buffer.alloc(1024 * 1024, ' ')
/** 64 MB of spaces. */
const bomb = gzipSync(Buffer.concat([Buffer.from('<title>Bomb</title>'), Buffer.alloc(64e6, ' ')]))

/** Writes without an end, until the other side closes. */
const forever = (response: ServerResponse) => {
  const more = () => {
    while (!response.destroyed && response.write(mega));
    if (!response.destroyed) response.once('drain', more)
  }
  more()
}

const redirect =
  (to: string): Answer =>
  (response) => {
    response.writeHead(302, { Location: to, 'Set-Cookie': 'id=1' }).end('moved')
  }

const answers: Record<string, Answer> = {
  '/loop': redirect('/loop'),
  '/hop3': redirect('/hop2'),
  '/hop2': redirect('/hop1'),
  '/hop1': redirect('/page?hopped'),
  '/hop4': redirect('/hop3'),
  '/nowhere': (response) => response.writeHead(302).end(),
  '/hang': () => {},
  '/drip': (response) => {
    response.writeHead(200, html)
    const timer = setInterval(() => response.write('<!-- -->'), 100)
    response.on('close', () => clearInterval(timer))
  },
  '/endless': (response) => forever(response.writeHead(200, html)),
  '/gigabyte': (response) => {
    response.writeHead(200, { ...html, 'Content-Length': 1e9 }).write('<title>Large</title>')
    forever(response)
  },
  '/bomb': (response) => response.writeHead(200, { ...html, 'Content-Encoding': 'gzip' }).end(bomb),
  '/not-gzip': (response) =>
    response.writeHead(200, { ...html, 'Content-Encoding': 'gzip' }).end('<title>x</title>'),
  '/zstd': (response) => response.writeHead(200, { ...html, 'Content-Encoding': 'zstd' }).end('x'),
  '/gzip': (response) =>
    response
      .writeHead(200, { ...html, 'Content-Encoding': 'gzip' })
      .end(gzipSync('<title>Packed</title>')),
  '/charset': (response) =>
    response
      .writeHead(200, { 'Content-Type': 'text/html; charset=klingon' })
      .end('<title>x</title>'),
  '/latin': (response) =>
    response
      .writeHead(200, { 'Content-Type': 'text/html; charset=iso-8859-1' })
      .end(Buffer.from('<title>Caf\u00e9</title>', 'latin1')),
  '/midway': (response) => {
    response.writeHead(200, { ...html, 'Content-Length': 1000 }).write('<title>Half</title>')
    setTimeout(() => response.destroy(), 20)
  },
  '/reset': (response) => response.destroy(),
  '/json': (response) => response.writeHead(200, { 'Content-Type': 'application/json' }).end('{}'),
  '/untyped': (response) => response.writeHead(200).end('<title>x</title>'),
  '/untitled': (response) => response.writeHead(200, html).end('<p>hello'),
  '/invisible': (response) => response.writeHead(200, html).end('<title>\u200b\u202e</title>'),
  '/error': (response) => response.writeHead(500, html).end('<title>Error</title>'),
  '/gone': (response) => response.writeHead(404, html).end('<title>Not found</title>'),
}

/** A page about geese, with whatever a title may have. */
const page: Answer = (response) =>
  response.writeHead(200, html).end(
    `<!doctype html><html><head><title>no</title><meta property="og:title" content="All about &lt;b&gt;geese&lt;/b&gt;">
      <meta name="description" content="They  fly\nin \u202ewedges\u202c &amp; honk."></head>`,
  )

/** Starts it. `asked` has the requests in their order, `host` what a link begins with. */
export async function pageServer() {
  const asked: { path: string; headers: IncomingMessage['headers'] }[] = []
  const server = createServer((request, response) => {
    asked.push({ path: request.url!, headers: request.headers })
    response.on('error', () => {})
    const answer = answers[request.url!] ?? answers[request.url!.split('?')[0]!] ?? page
    answer(response, request)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const { port } = server.address() as AddressInfo
  return {
    asked,
    port,
    url: `http://127.0.0.1:${port}`,
    env: { LINK_PREVIEWS: '1', LINK_PREVIEWS_ALLOW: `127.0.0.1/32:${port}` },
    paths: Object.keys(answers),
    [Symbol.asyncDispose]: async () => {
      server.closeAllConnections()
      await new Promise((done) => server.close(done))
    },
  }
}
