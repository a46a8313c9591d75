// The users of the realistic mix of loadtest/, and a member who comes and goes, for machines without k6 and Locust.
import { between, chance, find, oneOf, shared, type Pace, Walker } from './walker.ts'

type Action = (user: Walker) => Promise<unknown>

/** Runs the action only if the page has such a thing. */
async function click(
  html: string,
  pattern: string,
  action: (found: string) => Promise<unknown>,
): Promise<void> {
  const found = find(html, pattern)
  if (found !== undefined) await action(found)
}

const press = (user: Walker, html: string, action: string) =>
  click(html, action, (id) => user.post(`/${action}/${id}`))

const write = (user: Walker, html: string, more: Record<string, string> = {}) =>
  user.post('/tweet', { msg: oneOf(shared.texts), key: find(html, 'key') ?? '', ...more })

const search = async (user: Walker, list: string[]) =>
  (await user.get(`/search?q=${encodeURIComponent(oneOf(list))}`)).html

async function open(user: Walker, id: string, share = 0): Promise<void> {
  const html = await user.visit(`/tweet/${id}`, 1, 3)
  if (chance(share)) await write(user, html, { reply_to: id })
}

async function readOn(user: Walker, html: string, times: number): Promise<string> {
  let last = html
  for (let count = 0; count < times; count++) {
    const more = find(last, 'more')
    if (more === undefined) break
    last = (await user.get(more)).html
    await user.wait(1, 3)
  }
  return last
}

const read: Action = async (user) => {
  const html = await readOn(user, await user.visit('/timeline', 1, 3), between(0, 4))
  if (chance(0.12)) await press(user, html, 'favorite')
  if (chance(0.4)) await click(html, 'tweet', (id) => open(user, id, 0.1))
  if (chance(0.04)) await write(user, await user.visit('/timeline', 3, 6))
  if (chance(0.05)) await press(user, html, 'retweet')
}

const getToKnowSomebody: Action = async (user) => {
  await click(await user.visit('/', 1, 3), 'handle', async (handle) => {
    const html = await user.visit(`/@${handle}`, 1, 3)
    if (chance(0.5)) await user.visit(`/@${handle}/likes`)
    if (chance(0.2)) await press(user, html, 'follow')
  })
}

const searchAsYouType: Action = async (user) => {
  await user.visit('/search', 1, 2)
  for (let count = between(2, 4); count > 0; count--) {
    await search(user, shared.beginnings)
    await user.wait(0.3, 0.6)
  }
  const html = await search(user, shared.words)
  if (chance(0.1)) await press(user, html, 'favorite')
  if (chance(0.3)) await user.visit(`/tag/${oneOf(shared.tags)}`, 1, 3)
}

const lookAfterOwnThings: Action = async (user) => {
  await user.visit('/notifications', 1, 3)
  const html = await user.visit('/favorites', 1, 3)
  if (chance(0.2)) await press(user, html, 'unfavorite')
  await user.visit('/followers', 1, 3)
  await user.visit('/following')
}

const converse: Action = async (user) => {
  const html = await user.visit('/timeline', 2, 5)
  if (chance(0.4)) await write(user, html)
  await user.wait(1, 3)
  const last = await readOn(user, html, between(1, 3))
  if (chance(0.5)) await press(user, last, 'favorite')
  if (chance(0.5)) await click(last, 'tweet', (id) => open(user, id, 0.5))
}

const lookAround: Action = async (user) => {
  const html = await user.visit('/', 1, 4)
  if (chance(0.7)) await click(html, 'tweet', (id) => open(user, id))
  await user.wait(0, 2)
  if (chance(0.15)) await user.visit(`/tag/${oneOf(shared.tags)}`)
  if (chance(0.5)) await click(html, 'handle', (handle) => user.visit(`/@${handle}`))
}

/** Registers, which signs in an existing user, and follows some people. */
const signInReader =
  (low: number, high: number): Action =>
  async (user) => {
    const name = `reader${String(between(1, 1000)).padStart(4, '0')}`
    const fields = { name, mailaddress: `${name}@test.com`, password: 'password123' }
    user.signedIn = (await user.post('/register', fields, 'browser')).status === 303
    for (let count = user.signedIn ? between(low, high) : 0; count > 0; count--)
      await user.post(`/follow/${between(1, 100)}`)
  }

/** A demo account comes, says something, likes something and goes: sign-ins and writes never cease. */
export const comeAndGo: Action = async (user) => {
  const mailaddress = `user${String(between(1, 100)).padStart(4, '0')}@example.com`
  const fields = { mailaddress, password: 'password123' }
  const { status } = await user.post('/login', fields, 'browser')
  if (status !== 303) return
  const html = await user.visit('/timeline', 0.5, 1)
  await write(user, html)
  await press(user, html, 'favorite')
  await user.post('/logout', {}, 'browser')
  user.leave()
}

type Class = {
  wait: [low: number, high: number]
  signIn?: Action
  actions: [weight: number, action: Action][]
}

const reader: Class = {
  wait: [4, 12],
  signIn: signInReader(4, 8),
  actions: [
    [12, read],
    [3, getToKnowSomebody],
    [2, searchAsYouType],
    [1, lookAfterOwnThings],
  ],
}
const writer: Class = { wait: [5, 15], signIn: signInReader(8, 12), actions: [[1, converse]] }
const visitor: Class = {
  wait: [3, 10],
  actions: [
    [3, lookAround],
    [1, (user) => user.visit('/register')],
  ],
}

/** Twelve users in the shares of the mix. */
const crowd: Class[] = [
  ...Array.from({ length: 8 }, () => reader),
  writer,
  visitor,
  visitor,
  visitor,
]

/** Lets the users in, one every half second, until the signal. Resolves when all of them have gone. */
export const walk = async (target: string, pace: Pace): Promise<void> =>
  void (await Promise.all(
    crowd.map((one, index) =>
      untilTheEnd(pace, async () => {
        const user = new Walker(target, pace)
        await user.wait(index / 2)
        for (;;) {
          if (one.signIn && !user.signedIn) await one.signIn(user)
          if (!one.signIn || user.signedIn) {
            const turns = one.actions.flatMap(([weight, action]) =>
              Array<Action>(weight).fill(action),
            )
            await oneOf(turns)(user)
          }
          await user.wait(...one.wait)
        }
      }),
    ),
  ))

/** The members who come and go, beside whatever traffic there is. */
export const members = async (target: string, pace: Pace): Promise<void> =>
  void (await Promise.all(
    [0, 1].map((index) =>
      untilTheEnd(pace, async () => {
        const user = new Walker(target, pace)
        await user.wait(index * 3)
        for (;;) {
          await comeAndGo(user)
          await user.wait(4, 7)
        }
      }),
    ),
  ))

async function untilTheEnd({ signal }: Pace, work: () => Promise<void>): Promise<void> {
  try {
    await work()
  } catch (error) {
    if (!signal.aborted) throw error
  }
}
