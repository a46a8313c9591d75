// The hop from the app to the Collector: what the answer to the probe means.
import type { OtlpTarget } from '../../config/otlp-targets.ts'
import type { Signal } from '../../config/telemetry-settings.ts'
import { explainFailure, shown } from './ask.ts'
import type { Sent } from './probe.ts'
import { checksOf, shortly, type Check, type Trouble } from './report.ts'

/** What became of the probe of a signal at its target. */
export function judgeExport(signal: Signal, target: OtlpTarget, sent: Sent): Check {
  const { ok, failed } = checksOf('Collector', signal)
  const trouble = troubleOf(signal, target, sent)
  return trouble ? failed(trouble) : ok(`${shown(target.url)} took the probe (${sent.status}).`)
}

function troubleOf(signal: Signal, target: OtlpTarget, sent: Sent): Trouble | undefined {
  if (sent.status === undefined)
    return explainFailure(sent.error ?? new Error('no answer'), target.url, true)
  const said = `${shown(target.url)} answered ${sent.status}`
  const answered = shortly(sent.body)
  if (sent.status <= 299) return troubleOfSuccess(said, answered, sent)
  return { answered, ...explainStatus(said, signal, target, sent) }
}

/** A 2xx is no success when it is a web page, or when it says that a part was rejected. */
function troubleOfSuccess(said: string, answered: string, sent: Sent): Trouble | undefined {
  const rejected = sent.warnings.find((one) => one.includes('Partial Success'))
  if (rejected)
    return {
      said: `${said} but rejected a part.`,
      answered: shortly(rejected),
      cure: 'The answer says why: most often a time too far from now, or a limit of the receiver.',
    }
  const type = sent.headers['content-type'] ?? ''
  if (sent.body === '' || /protobuf|json/.test(type)) return undefined
  return {
    said: `${said} with ${type || 'no type'}: this does not receive OTLP.`,
    answered,
    cure: 'Correct the address: the Collector receives OTLP over HTTP on port 4318.',
  }
}

type Said = Pick<Trouble, 'said' | 'cure'>

function explainStatus(said: string, signal: Signal, target: OtlpTarget, sent: Sent): Said {
  const { status = 0, headers, body } = sent
  if (status === 404 || status === 405)
    return { said: `${said}: nothing receives OTLP at this path.`, cure: pathCure(signal, target) }
  if (/no org id/i.test(body))
    return {
      said: `${said}: it wants to know the tenant.`,
      cure: 'Add the tenant: OTEL_EXPORTER_OTLP_HEADERS=X-Scope-OrgID=TENANT.',
    }
  if (status === 401 || status === 403 || status === 407) {
    const names = target.headers.join(', ')
    return {
      said: `${said}: it does not accept ${names ? `what the headers ${names} say` : 'a sender without credentials'}.`,
      cure: `Correct OTEL_EXPORTER_OTLP_HEADERS, such as Authorization=Bearer%20TOKEN.`,
    }
  }
  if (/HTTPS|TLS|SSL/.test(body) && status < 500)
    return {
      said: `${said}: it speaks TLS, but the address says http.`,
      cure: 'Begin the address with https:// instead.',
    }
  if (status < 400)
    return {
      said: `${said} and sends to ${headers.location ? 'another address' : 'nowhere'}; exporters do not follow.`,
      cure: 'Use the address that it sends to, or the address of the Collector itself.',
    }
  if (status === 429 || status === 503 || status === 502 || status === 504)
    return {
      said: `${said}${headers['retry-after'] ? ` (Retry-After: ${headers['retry-after']})` : ''}: it takes nothing more now.`,
      cure: 'Its queue or memory is full, because a backend behind it is away or slow: see its log, then start that backend.',
    }
  if (status === 413)
    return { said: `${said}: the export is too large.`, cure: 'Raise the limit of the receiver.' }
  if (status === 415)
    return {
      said: `${said}: it does not read protobuf.`,
      cure: 'Correct the address: an OTLP receiver reads protobuf.',
    }
  return { said: `${said}.`, cure: 'Read its log: the answer is from the receiver itself.' }
}

function pathCure(signal: Signal, { variable, url }: OtlpTarget): string {
  const last = `/v1/${signal}`
  if (variable?.includes(`_${signal.toUpperCase()}_`) && !url.pathname.endsWith(last))
    return `${variable} is used as it is: add ${last} to its end.`
  if (url.pathname.replace(last, '').includes('/v1/'))
    return `The app adds ${last} itself: take it away from the end of ${variable}.`
  return `Correct ${variable ?? 'OTEL_EXPORTER_OTLP_ENDPOINT'}: the Collector takes ${last} on its port 4318, without another path before it.`
}
