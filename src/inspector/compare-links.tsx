import type { RecordedRequest } from '../trace-store/recorded.ts'

type LinksProps = { of: RecordedRequest; among: readonly RecordedRequest[] }

/** Links that compare a trace with others of its route: the one before it, the fastest and the slowest. */
export const CompareLinks = ({ of, among }: LinksProps) => {
  const others = among.filter(
    ({ traceId: id, route, method, kind }) =>
      id !== of.traceId && route === of.route && method === of.method && kind === of.kind,
  )
  const byTime = others.toSorted((one, other) => one.ms - other.ms)
  const before = others.find(({ number }) => number < of.number)
  const [fastest, slowest] = [byTime[0], byTime.at(-1)]
  return (
    <p class='facts trace'>
      <span>Compare with</span>
      {before && <CompareLink a={before} b={of} text='the one before' />}
      {fastest && fastest.ms < of.ms && <CompareLink a={fastest} b={of} text='the fastest' />}
      {slowest && slowest.ms > of.ms && <CompareLink a={of} b={slowest} text='the slowest' />}
      <a href={`/traces/compare?a=${of.traceId}`}>another one</a>
    </p>
  )
}

type LinkProps = { a: RecordedRequest; b: RecordedRequest; text: string }

const CompareLink = ({ a, b, text }: LinkProps) => (
  <a href={`/traces/compare?a=${a.traceId}&b=${b.traceId}`}>{text}</a>
)
