// The hops behind the Collector: is the probe in Tempo, Loki and Mimir, and does Grafana find it there?
import type { Signal } from '../../config/telemetry-settings.ts'
import { below, explainFailure, shown, type Answer } from './ask.ts'
import { checksOf, shortly, type Check, type Trouble } from './report.ts'
import { find, type Backend, type Found, type Search } from './search.ts'

type Ways = { direct: URL | undefined; grafana: URL | undefined }

/** The checks of a backend and of Grafana's data source for it, each by the ways that there are. */
export async function checkBackend(backend: Backend, ways: Ways, search: Search): Promise<Check[]> {
  const { name, signal, uid } = backend
  const byGrafana = ways.grafana && proxied(ways.grafana, backend)
  if (!ways.direct && !byGrafana) {
    const said = `Nothing says where ${name} is: --${uid} URL, or --grafana URL.`
    return [checksOf(name, signal).skipped(said)]
  }
  const checks: Check[] = []
  if (ways.direct) {
    const check = judgeDirect(backend, ways.direct, await find(backend, ways.direct, search))
    checks.push(check)
    if (check.status !== 'ok') return [...checks, skippedGrafana(signal)]
  }
  if (!byGrafana) return checks
  // What is in the backend already is there for Grafana, too.
  const waitMs = ways.direct ? Math.min(search.waitMs, 5000) : search.waitMs
  const found = await find(backend, byGrafana, { ...search, waitMs, tenant: undefined })
  return [...checks, ...judgeProxied(backend, found, { byGrafana, isInBackend: !!ways.direct })]
}

const skippedGrafana = (signal: Signal): Check =>
  checksOf('Grafana', signal).skipped('There is nothing to find.')

const proxied = (grafana: URL, { uid }: Backend): URL =>
  below(grafana, `/api/datasources/proxy/uid/${uid}`)

function judgeDirect(backend: Backend, url: URL, found: Found): Check {
  const { name, signal, uid } = backend
  const { ok, failed } = checksOf(name, signal)
  const at = `${name} at ${shown(url)}`
  if (found.state === 'found') return ok(`${at} has the probe after ${found.afterMs} ms.`)
  if (found.state === 'absent') return failed(absent(at, backend))
  const { last } = found
  if ('status' in last)
    return failed({ answered: shortly(last.text), ...explainBackend(at, last, uid) })
  const trouble = explainFailure(last, url)
  const cure = `${trouble.cure} In the stack: docker compose up -d ${uid}.`
  return failed({ ...trouble, cure })
}

const absent = (at: string, { name, signal }: Backend): Trouble => ({
  said: `${at} answers, but does not have the probe.`,
  cure:
    `See the Collector's log for its exporter to ${name} (docker compose logs opentelemetry-collector). If it has no error, it ` +
    `writes to another tenant, or ${name} drops what is too old or too new${signal === 'traces' ? ', or tail sampling dropped it' : ''}.`,
})

function explainBackend(at: string, { status, text }: Answer, uid: string) {
  if (/no org id/i.test(text))
    return {
      said: `${at} answered ${status}: it wants to know the tenant.`,
      cure: `Name it with --tenant ID. The Collector's exporter and Grafana's data source need the same in X-Scope-OrgID.`,
    }
  if (status === 401 || status === 403)
    return {
      said: `${at} answered ${status}: it wants credentials.`,
      cure: `Give them in the address: --${uid} https://USER:PASSWORD@HOST.`,
    }
  return {
    said: `${at} answered ${status}.`,
    cure: status >= 500 ? `Read its log; it may still be starting.` : 'Correct its address.',
  }
}

type Proxied = { byGrafana: URL; isInBackend: boolean }

/** By way of Grafana alone, one answer tells of both hops. */
function judgeProxied(
  backend: Backend,
  found: Found,
  { byGrafana, isInBackend }: Proxied,
): Check[] {
  const { name, signal, uid } = backend
  const [here, grafana] = [checksOf(name, signal), checksOf('Grafana', signal)]
  const at = `Grafana's data source "${uid}"`
  const ofBackend = (trouble: Trouble) => [here.failed(trouble), skippedGrafana(signal)]
  const ofGrafana = (trouble: Trouble) => [grafana.failed(trouble)]
  if (found.state === 'found') {
    if (isInBackend) return [grafana.ok(`${at} finds the probe.`)]
    return [
      here.ok(`${name}, asked through Grafana, has the probe.`),
      grafana.ok(`${at} finds the probe after ${found.afterMs} ms.`),
    ]
  }
  if (found.state === 'absent') {
    if (!isInBackend) return ofBackend(absent(`${name}, asked through Grafana,`, backend))
    return ofGrafana({
      said: `${at} does not find the probe, but ${name} has it.`,
      cure: `The data source asks another ${name}, or another tenant: its X-Scope-OrgID must be that of the Collector's exporter.`,
    })
  }
  const { last } = found
  if (!('status' in last)) return ofGrafana(explainFailure(last, byGrafana))
  const answered = shortly(last.text)
  if (last.status === 502 || last.status === 504) {
    const said = `Grafana does not reach ${name} (${last.status}).`
    if (isInBackend)
      return ofGrafana({ said, answered, cure: `Correct the address of the data source "${uid}".` })
    const cure = `Start ${name} (docker compose up -d ${uid}), or correct the address of the data source "${uid}".`
    return ofBackend({ said, answered, cure })
  }
  return ofGrafana({ answered, ...explainGrafana(at, last, uid) })
}

function explainGrafana(at: string, { status, text }: Answer, uid: string) {
  if (/no org id/i.test(text))
    return {
      said: `${at}: the backend wants to know the tenant.`,
      cure: 'Give the data source the header X-Scope-OrgID (httpHeaderName1 and httpHeaderValue1).',
    }
  if (status === 404)
    return {
      said: `${at} is not there.`,
      cure: `Provision it with this uid: observability/grafana/provisioning has it.`,
    }
  if (status === 401 || status === 403 || (status >= 300 && status < 400))
    return {
      said: `${at} answered ${status}: Grafana wants a login.`,
      cure: 'Give it in the address: --grafana http://USER:PASSWORD@HOST:3000.',
    }
  return {
    said: `${at} answered ${status}.`,
    cure: `Read Grafana's log, and test the data source "${uid}" there.`,
  }
}
