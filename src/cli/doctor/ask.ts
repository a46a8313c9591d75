// How `npm run doctor` asks over HTTP, and what it makes of an answer or of none.
import { loginOf } from '../../config/otlp-targets.ts'
import { shortly, type Trouble } from './report.ts'

const answerMs = 5000
const bodyMax = 200_000

export type Answer = { status: number; text: string; type: string; date: string | undefined }
export type Failed = Error & { code?: string }

/** An address without password and query, to be printed. */
export const shown = (url: URL): string => `${url.origin}${url.pathname}`

/** An address with another path below its own. */
export function below(base: URL, path: string): URL {
  const url = new URL(base)
  url.pathname = `${base.pathname.replace(/\/$/, '')}${path}`
  return url
}

/** Asks with GET; rejects with the reason that `fetch` hides in `cause`. Ends after 5 s. */
export async function ask(url: URL, headers: Record<string, string> = {}): Promise<Answer> {
  const [login] = loginOf(url)
  const bare = new URL(url)
  bare.username = bare.password = ''
  try {
    const answer = await fetch(bare, {
      redirect: 'manual',
      signal: AbortSignal.timeout(answerMs),
      headers: {
        ...(login && { Authorization: `Basic ${Buffer.from(login).toString('base64')}` }),
        ...headers,
      },
    })
    return {
      status: answer.status,
      text: await textOf(answer),
      type: answer.headers.get('Content-Type') ?? '',
      date: answer.headers.get('Date') ?? undefined,
    }
  } catch (error) {
    throw error instanceof Error && error.cause instanceof Error ? error.cause : error
  }
}

async function textOf(answer: Response): Promise<string> {
  const pieces: Uint8Array[] = []
  let length = 0
  for await (const piece of answer.body ?? []) {
    pieces.push(piece)
    if ((length += piece.length) > bodyMax) break
  }
  return Buffer.concat(pieces).toString()
}

const refusesCertificate =
  /SELF_SIGNED|UNABLE_TO_|CERT_|ERR_TLS_CERT|ISSUER|certificate(?! required)/i

/** No answer came: why, and what to do. `otlp`: it is an exporter's target. */
export function explainFailure(error: Failed, url: URL, otlp = false): Trouble {
  const [at, answered] = [shown(url), `${error.code ?? error.name}: ${shortly(error.message)}`]
  const text = `${error.code} ${error.message}`
  const trouble = (said: string, cure: string): Trouble => ({ said, answered, cure })
  const port = otlp ? ' OTLP over HTTP has port 4318, gRPC has 4317.' : ''
  if (/ENOTFOUND|EAI_AGAIN/.test(text))
    return trouble(
      `${at}: the name ${url.hostname} is not known here.`,
      'Correct the name, or start the container of that name: docker compose up -d.',
    )
  if (/ECONNREFUSED/.test(text))
    return trouble(
      `${at}: nothing listens on this port.`,
      `Start it, or correct the address. In a container, localhost is the container itself.${port}`,
    )
  if (/timed? ?out|TimeoutError|ETIMEDOUT/i.test(`${error.name} ${text}`))
    return trouble(
      `${at} did not answer in time.`,
      'It hangs, or a firewall drops the packets: restart it, then look at the firewall.',
    )
  if (/wrong version number|packet length too long|WRONG_VERSION/i.test(text))
    return trouble(
      `${at} does not speak TLS, but the address says https.`,
      'Begin the address with http:// instead.',
    )
  if (/expired|not yet valid|NOT_YET_VALID/i.test(text))
    return trouble(
      `${at}: its certificate is not valid at this time.`,
      'Renew the certificate, and check the clock of this machine.',
    )
  if (/ALTNAME/.test(text))
    return trouble(
      `${at}: its certificate is for another name.`,
      'Use the name that the certificate has.',
    )
  if (/certificate.required|alert.*(handshake|certificate)|alert number/i.test(text))
    return trouble(
      `${at} refused the TLS handshake; it may want a client certificate.`,
      otlp
        ? 'Set OTEL_EXPORTER_OTLP_CLIENT_CERTIFICATE and OTEL_EXPORTER_OTLP_CLIENT_KEY.'
        : 'Ask from a machine that it lets in.',
    )
  if (refusesCertificate.test(text))
    return trouble(
      `${at}: nobody whom this machine trusts has signed its certificate.`,
      otlp
        ? 'Set OTEL_EXPORTER_OTLP_CERTIFICATE to the file of the CA.'
        : 'Set NODE_EXTRA_CA_CERTS to the file of the CA.',
    )
  if (/HPE_|Parse Error|HTTPParser/.test(text))
    return trouble(
      `${at} answers, but not in HTTP/1.1${otlp ? ': it is probably the gRPC port' : ''}.`,
      `Correct the port.${port}`,
    )
  return trouble(
    `${at} ended the connection without an answer.`,
    `Correct the port, and whether the address begins with http or https.${port}`,
  )
}
