// Looks at the target before any load goes there: what would make it pointless, in one sentence.
import {
  accountOf,
  choose,
  expectedOf,
  fill,
  fillAll,
  judge,
  pathOf,
  type Model,
} from '../loadtest/k6/model.js'

/** The sentence of the first check of the model that the target fails; undefined when it is ready. */
export async function problemOf(model: Model, target: string): Promise<string | undefined> {
  const account = accountOf(model.accounts['demo']!, 1)
  let cookie = ''
  for (const step of model.target) {
    const request = model.requests[step.request]!
    for (let count = 1; count <= (step.times ?? 1); count++) {
      const chosen = Object.entries(step.with ?? {}).map(([name, source]) => [
        name,
        choose(model, source, {}, Math.random),
      ])
      const variables = { ...account, ...Object.fromEntries(chosen), target, here: '/' }
      const answer = await fetch(target + pathOf(request, variables), {
        method: request.method,
        redirect: 'manual',
        signal: AbortSignal.timeout(10_000),
        headers: {
          ...fillAll(model.askers['program']!.headers, variables),
          ...(cookie && { Cookie: cookie }),
        },
        ...(request.fields && { body: new URLSearchParams(fillAll(request.fields, variables)) }),
      }).catch((error: unknown) => reasonOf(error))
      if (typeof answer === 'string') {
        return `Nothing answers at ${target} (${answer}). Start it with \`npm start\`, or name another address with --target.`
      }
      for (const line of answer.headers.getSetCookie()) cookie = line.split(';')[0] ?? ''
      const problem = judge(expectedOf(model, request, 'program'), {
        status: answer.status,
        type: answer.headers.get('Content-Type') ?? '',
        location: answer.headers.get('Location') ?? '',
        body: await answer.text(),
      })
      if (problem !== undefined) {
        return fill(step.else, { ...variables, status: answer.status, count }) ?? problem
      }
    }
  }
  return undefined
}

/** `ECONNREFUSED` instead of `fetch failed`. */
function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof Error && 'code' in cause && typeof cause.code === 'string') return cause.code
  return cause instanceof Error ? cause.message : 'no answer'
}
