// The app, nginx in front of it, and requests from clients with addresses of their own.
import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { request as httpRequest, type IncomingMessage } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { setTimeout as pause } from 'node:timers/promises'

import { startNginx, trust } from './nginx.ts'
import { scratch, startServer } from './process.ts'

type Ask = {
  path?: string
  /** The client's address: on loopback each client can have its own. */
  from?: string
  headers?: Record<string, string>
  form?: Record<string, string>
}
export type Told = { status: number; headers: IncomingMessage['headers']; body: string }

/** Asks once, on a connection of its own. */
export const ask = (url: string, { path = '/theme', from, headers = {}, form }: Ask = {}) =>
  new Promise<Told>((resolve, reject) => {
    const body = form && new URLSearchParams(form).toString()
    const options = {
      method: form ? 'POST' : 'GET',
      headers: {
        ...headers,
        ...(form && { 'Content-Type': 'application/x-www-form-urlencoded' }),
      },
      agent: false,
      rejectUnauthorized: false,
      timeout: 20_000,
      ...(from !== undefined && { localAddress: from }),
    } as const
    const send = url.startsWith('https') ? httpsRequest : httpRequest
    const asked = send(url + path, options, (answer) => {
      let text = ''
      answer.setEncoding('utf8')
      answer.on('data', (piece: string) => (text += piece))
      answer.on('end', () =>
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: text }),
      )
    })
    asked.on('error', reject)
    asked.on('timeout', () => asked.destroy(new Error('no answer')))
    asked.end(body)
  })

type Site = {
  env?: Record<string, string>
  /** TRUSTED_PROXIES and other settings of the container's nginx; default: nginx/trust.conf unchanged. */
  nginxEnv?: Record<string, string>
  prepare?: (conf: string) => void
}

/** The app, nginx in front of it, their telemetry and nginx's log. */
export async function site({ env = {}, nginxEnv, prepare }: Site = {}) {
  const place = scratch()
  const app = await startServer({
    DATABASE_URL: `file:${place.folder}/town.db`,
    TRUSTED_PROXIES: '127.0.0.1',
    INSPECT: '1',
    OTEL_TRACES_EXPORTER: 'none',
    ...env,
  })
  const nginx = await startNginx(place.folder, new URL(app.url).host, (conf) => {
    if (nginxEnv) {
      // The gateway of this container: 127.0.0.8, in the format of /proc/net/route.
      writeFileSync(`${conf}/route`, 'eth0\t00000000\t0800007F\t0003\n')
      const written = trust(conf, nginxEnv)
      assert.equal(written.code, 0, written.printed)
    }
    prepare?.(conf)
  }).catch(async (error: unknown) => {
    // A program that is not stopped would keep the test from ending.
    await app[Symbol.asyncDispose]()
    throw error
  })
  return {
    nginx,
    app,
    folder: place.folder,
    /** The attributes of the app's span of a request. */
    span: async ({ headers }: Told) => {
      const trace = String(headers['x-trace-id'])
      const { body } = await ask(app.url, { path: `/traces/${trace}/otlp.json` })
      const told = (name: string) =>
        new RegExp(`"key":"${name}","value":\\{"stringValue":"([^"]*)"`).exec(body)?.[1]
      return { trace, client: told('client.address'), scheme: told('url.scheme') }
    },
    /** The client address in nginx's log: its workers write a line after the answer, in any order. */
    logged: async ({ headers }: Told) => {
      const trace = String(headers['x-trace-id'])
      for (const giveUp = Date.now() + 20_000; ; await pause(20)) {
        const line = nginx
          .accessLog()
          .split('\n')
          .slice(0, -1)
          .find((one) => one.includes(trace))
        if (line) return (JSON.parse(line) as { host: string }).host
        assert.ok(Date.now() < giveUp, 'nginx does not log the request')
      }
    },
    async [Symbol.asyncDispose]() {
      await nginx[Symbol.asyncDispose]()
      await app[Symbol.asyncDispose]()
      place[Symbol.dispose]()
    },
  }
}

/** What a client says who wants to be somebody else. */
export const forged = {
  'X-Forwarded-For': '6.6.6.6',
  'X-Forwarded-Proto': 'https',
  'X-Real-IP': '6.6.6.6',
  Forwarded: 'for=6.6.6.6;proto=https',
}
