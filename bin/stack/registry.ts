// Tags and digests of images, from their registries.
const timeoutMs = 10_000
/** No registry sends more pages than this for one image. */
const pagesMax = 50

export type Image = { name: string; host: string; repository: string; tag: string }

/** `grafana/k6:2.2.0` is `grafana/k6` at Docker Hub; `node:26` is `library/node` there. */
export function parseImage(name: string): Image {
  const tag = name.slice(name.lastIndexOf(':') + 1)
  const path = name.slice(0, name.lastIndexOf(':'))
  const [first = '', ...rest] = path.split('/')
  const hasHost = rest.length > 0 && /[.:]|^localhost$/.test(first)
  if (hasHost && first !== 'docker.io')
    return { name, host: `https://${first}`, repository: rest.join('/'), tag }
  const own = hasHost ? rest.join('/') : path
  const repository = own.includes('/') ? own : `library/${own}`
  return { name, host: 'https://registry-1.docker.io', repository, tag }
}

/** The newest tag of the same kind: the same words, other numbers. */
export function newestLike(tag: string, tags: string[]): string {
  const kind = (one: string) => one.replaceAll(/\d+/g, '0')
  const numbers = (one: string) => (one.match(/\d+/g) ?? []).map(Number)
  const isNewer = (one: string, than: string) => {
    const [mine, theirs] = [numbers(one), numbers(than)]
    const at = mine.findIndex((number, index) => number !== theirs[index])
    return at >= 0 && mine[at]! > theirs[at]!
  }
  return tags
    .filter((one) => kind(one) === kind(tag))
    .reduce((best, one) => (isNewer(one, best) ? one : best), tag)
}

const types = [
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
].join(', ')

/** One repository of a registry; asks for a token when the registry wants one. */
export class Repository {
  readonly #host: string
  readonly #name: string
  #token: string | undefined

  constructor(host: string, name: string) {
    this.#host = host
    this.#name = name
  }

  async #ask(url: string, method = 'GET'): Promise<Response> {
    for (let count = 0; ; count++) {
      const answer = await fetch(url, {
        method,
        headers: { Accept: types, ...(this.#token && { Authorization: `Bearer ${this.#token}` }) },
        signal: AbortSignal.timeout(timeoutMs),
      })
      if (answer.ok) return answer
      await answer.arrayBuffer()
      const wanted = answer.headers.get('WWW-Authenticate') ?? ''
      if (answer.status !== 401 || count > 0 || !/^Bearer /i.test(wanted))
        throw new Error(`the registry answered ${answer.status}`)
      this.#token = await tokenFor(wanted)
    }
  }

  async tags(): Promise<string[]> {
    const tags: string[] = []
    let url: string | undefined = `${this.#host}/v2/${this.#name}/tags/list?n=1000`
    for (let page = 0; url !== undefined && page < pagesMax; page++) {
      const answer = await this.#ask(url)
      tags.push(...(((await answer.json()) as { tags?: string[] | null }).tags ?? []))
      const next = /<([^>]+)>;\s*rel="?next/.exec(answer.headers.get('Link') ?? '')?.[1]
      url = next === undefined ? undefined : new URL(next, url).href
    }
    return tags
  }

  /** The digest of a tag, of all its platforms together. */
  async digest(tag: string): Promise<string> {
    const answer = await this.#ask(`${this.#host}/v2/${this.#name}/manifests/${tag}`, 'HEAD')
    return answer.headers.get('Docker-Content-Digest') ?? 'unknown'
  }
}

/** A token for anybody, from the place that the registry names. */
async function tokenFor(wanted: string): Promise<string> {
  const of = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(wanted)?.[1]
  const url = new URL(of('realm') ?? '')
  for (const name of ['service', 'scope'])
    if (of(name) !== undefined) url.searchParams.set(name, of(name)!)
  const answer = await fetch(url, { signal: AbortSignal.timeout(timeoutMs) })
  if (!answer.ok) throw new Error(`${url.host} gave no token (${answer.status})`)
  const { token, access_token: other } = (await answer.json()) as Record<string, string>
  return token ?? other ?? ''
}
