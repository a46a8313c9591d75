import { finding, isOf, traceFinding, type Lab } from './lab.ts'

const like = 'POST /favorite/:id'

export const firstTrace: Lab = {
  number: 1,
  title: 'First trace',
  page: '01-first-trace',
  async check(app, traceId) {
    const pages = (await app.requests({ q: 'GET /timeline', kind: 'page' })).filter(
      ({ title }) => title === 'GET /timeline',
    )
    const likes = (await app.requests({ q: like })).filter(({ status }) => status < 400)
    return [
      finding(
        pages.some(({ status }) => status === 200),
        'A browser has read the timeline.',
        'Nobody has read a timeline yet: sign in, and open http://localhost:5000/timeline.',
      ),
      finding(
        likes.length > 0,
        'A post has been liked.',
        'Nobody has liked a post yet: click the heart below one.',
      ),
      await traceFinding(
        app,
        {
          traceId,
          number: 1,
          right: 'You found the trace of a like, with its handler and the INSERT below it.',
        },
        (spans) => {
          if (!isOf(spans, like)) return 'This trace is not that of a like.'
          const handler = spans.find(({ name }) => name === 'favorites.create')
          const wrote = spans.some(
            ({ name, parentId }) => name.startsWith('INSERT') && parentId === handler?.id,
          )
          return wrote ? undefined : 'In this trace nothing was written.'
        },
      ),
    ]
  },
}
