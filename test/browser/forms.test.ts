// Every form on a phone: it is in sight, and a refused one shows where and why. With JavaScript and without it.
import assert from 'node:assert/strict'
import { test } from 'node:test'

import type { Page } from 'playwright-core'

import { register } from '../process.ts'
import { becomes, enter, openTown, watch } from './browser.ts'

const phone = { width: 390, height: 844 }
const town = openTown({ LIMIT_ACCOUNT: '30/600' })

/** A page of a phone with somebody signed in who has just registered, or nobody. */
async function open(scripts: boolean, name?: string, viewport = phone): Promise<Page> {
  const context = await town.browser.newContext({ javaScriptEnabled: scripts, viewport })
  if (name !== undefined) {
    const [key, value] = (await register(town.url, name)).split('=')
    await context.addCookies([{ name: key!, value: value!, url: town.url }])
  }
  return context.newPage()
}

/** Is all of an element in sight, with nothing on top of it? */
const isInSight = (page: Page, selector: string) =>
  page.$eval(selector, (element) => {
    const { left, right, top, bottom } = element.getBoundingClientRect()
    const points = [top + 2, (top + bottom) / 2, bottom - 2].map((y) =>
      document.elementFromPoint((left + right) / 2, y),
    )
    return points.every((found) => found && (element.contains(found) || found.contains(element)))
  })

for (const scripts of [true, false]) {
  const kind = scripts ? 'with JavaScript' : 'without JavaScript'

  test(`on a phone the form that one came for is first and whole in sight, ${kind}`, async () => {
    const page = await open(scripts)
    for (const [path, first] of [
      ['/register', 'register-form'],
      ['/login', 'login-form'],
    ]) {
      await page.goto(town.url + path)
      const forms = await page.$$eval('main form[id]', (all) => all.map(({ id }) => id))
      assert.equal(forms[0], first, path)
      assert.equal(forms.length, 2)
      assert.equal(await isInSight(page, `#${first} h2`), true, path)
      assert.equal(await isInSight(page, `#${first} button`), true, path)
      const filled = await page.$$eval('input[name=password]', (all) =>
        all
          .filter((one) => (one as HTMLInputElement).value)
          .map((one) => one.closest('section')?.className),
      )
      assert.deepEqual(filled, Array(4).fill('demo'), 'the password stands in its buttons alone')
      assert.doesNotMatch(await page.$eval('.doors', ({ outerHTML }) => outerHTML), /password123/)
      await page.click('.demo button >> nth=1')
      await page.waitForURL('**/timeline')
      await page.context().clearCookies()
    }
    await page.context().close()
  })

  test(`a refused form has the focus in its first wrong field, whose sentence is in sight, ${kind}`, async () => {
    const page = await open(scripts)
    const troubles = watch(page)
    await register(town.url, 'Taken')
    const login = { mailaddress: 'taken@example.org', password: 'wrong password' }
    const blank = { 'reg-name': '\u3164', 'reg-mailaddress': 'me@example.org', 'reg-password': 'x' }
    const stories: [
      path: string,
      form: string,
      fields: Record<string, string>,
      focus: string,
      sentence: RegExp,
    ][] = [
      ['/register', '#register-form', blank, 'reg-name', /Tell us your name/],
      [
        '/register',
        '#register-form',
        { ...blank, 'reg-name': 'Me' },
        'reg-password',
        /8 characters or more\./,
      ],
      [
        '/register',
        '#register-form',
        { 'reg-name': 'Me', 'reg-mailaddress': login.mailaddress, 'reg-password': login.password },
        'reg-mailaddress',
        /already registered/,
      ],
      ['/login', '#register-form', blank, 'reg-name', /Tell us your name/],
      ['/login', '#login-form', login, 'password', /incorrect/],
      [
        '/account',
        'form[action$=profile]',
        { name: '\u2800', bio: 'x'.repeat(170) },
        'name',
        /Tell us/,
      ],
      ['/account', 'form[action$=profile]', { name: 'Me', bio: 'x'.repeat(170) }, 'bio', /160/],
      [
        '/account',
        'form[action$=password]',
        { current: 'not mine', fresh: 'long enough' },
        'current',
        /not your password/,
      ],
      [
        '/account',
        'form[action$=password]',
        { current: 'password123', fresh: 'x' },
        'fresh',
        /8 char/,
      ],
      [
        '/account',
        'form[action$=delete]',
        { farewell: 'not mine' },
        'farewell',
        /not your password/,
      ],
      ['/post', '#composer', { msg: 'x'.repeat(281) }, 'msg', /between 1 and 280/],
      ['/timeline', '#composer', { msg: 'x'.repeat(281) }, 'msg', /between 1 and 280/],
    ]
    for (const [path, form, fields, focus, sentence] of stories) {
      if (
        path === '/account' &&
        !(await page.context().cookies()).some(({ name }) => /session/.test(name))
      ) {
        const [key, value] = (await register(town.url, `Form${scripts}`)).split('=')
        await page.context().addCookies([{ name: key!, value: value!, url: town.url }])
      }
      await page.goto(town.url + path)
      for (const [id, value] of Object.entries(fields)) await page.fill(`#${id}`, value)
      await page.click(`${form} button:not([name])`)
      const said = `${form} [role=alert]`
      await page.waitForSelector(said)
      const what = `${path} ${focus}`
      // A new page sets the focus with one of its first frames, not with its markup.
      await becomes(() => page.evaluate(() => document.activeElement?.id), focus, what)
      const described = await page.getAttribute(`#${focus}`, 'aria-describedby')
      const id = described!.split(' ').at(-1)
      assert.match((await page.textContent(`#${id}`))!, sentence, what)
      assert.equal(await page.getAttribute(`#${focus}`, 'aria-invalid'), 'true', what)
      assert.equal(await isInSight(page, `#${focus}`), true, `${what}: the field`)
      assert.equal(await isInSight(page, `#${id}`), true, `${what}: its sentence`)
    }
    assert.deepEqual(troubles, [])
    await page.context().close()
  })

  test(`a form that was sent too often has the focus on the sentence that says so, ${kind}`, async () => {
    const page = await open(scripts, `Often${scripts}`)
    for (let times = 0; times < 31; times++) {
      await page.request.post(`${town.url}/account/sessions`)
    }
    for (const [form, fields] of [
      ['form[action$=sessions]', {}],
      ['form[action$=delete]', { farewell: 'password123' }],
    ] as const) {
      await page.goto(`${town.url}/account`)
      for (const [id, value] of Object.entries(fields)) await page.fill(`#${id}`, value)
      await page.click(`${form} button`)
      await page.waitForSelector(`${form} .alert`)
      const isFocused = () => page.evaluate(() => document.activeElement!.matches('.alert'))
      await becomes(isFocused, true, form)
      assert.match(await page.evaluate(() => document.activeElement!.textContent), /too often/)
      assert.equal(await isInSight(page, `${form} .alert`), true, form)
    }
    await page.context().close()
  })

  test(`a demo account is not offered what it may not do, ${kind}`, async () => {
    const context = await town.browser.newContext({ javaScriptEnabled: scripts, viewport: phone })
    const page = await enter(context, town.url)
    await page.goto(`${town.url}/account`)
    assert.equal(
      await page.isVisible(
        'text=A demo account keeps its handle and its password, and cannot be deleted.',
      ),
      true,
    )
    assert.equal(await page.locator('form[action$=password], form[action$=delete]').count(), 0)
    assert.equal(await page.locator('main form').count(), 2)
    await context.close()
  })
}

test('a password manager finds the user name of every form with a password', async () => {
  const page = await open(true, 'Keeper')
  const session = await page.context().newCDPSession(page)
  const notes: string[] = []
  session.on('Log.entryAdded', ({ entry }) => notes.push(entry.text))
  await session.send('Log.enable')
  await page.goto(`${town.url}/account`)
  const names = await page.$$eval('form:has([type=password])', (forms) =>
    forms.map((form) => {
      const name = form.querySelector<HTMLInputElement>('[autocomplete=username]')!
      return `${name.type} ${name.hidden} ${name.value} ${name.checkVisibility()}`
    }),
  )
  assert.deepEqual(names, Array(2).fill('text true keeper@example.org false'))
  await page.waitForTimeout(500)
  assert.deepEqual(
    notes.filter((note) => /username|password/i.test(note)),
    [],
  )
  await page.context().close()
})

test('the page that logs out keeps its button from the edge', async () => {
  const page = await open(true, 'Leaver')
  await page.goto(`${town.url}/logout`)
  const [button, main] = await Promise.all(
    ['main form .btn', 'main'].map((one) => page.locator(one).boundingBox()),
  )
  const gap = button!.x - main!.x
  assert.ok(gap >= 16, `${gap}px`)
  await page.context().close()
})

test('at the end of a page the chip covers nothing that can be clicked', async () => {
  const covered: string[] = []
  const context = await town.browser.newContext()
  const page = await enter(context, town.url)
  const traceparent = await page.getAttribute('meta[name=traceparent]', 'content')
  const paths = [
    '/',
    '/timeline',
    '/post',
    '/followers',
    '/following',
    '/favorites',
    '/@ines',
    '/@ines/likes',
    '/tweet/7',
    '/tweet/7/delete',
    '/account',
    '/logout',
    '/search?q=goose',
    '/search?q=zzzz',
    '/traces',
    '/logs',
    '/routes',
    '/routes?by=query',
    '/traces/guide',
    `/traces/${traceparent!.slice(3, 35)}`,
    '/nothing',
  ]
  for (const [width, height] of [
    [390, 844],
    [844, 390],
  ] as const) {
    await page.setViewportSize({ width, height })
    for (const path of paths) {
      await page.goto(town.url + path)
      for (let rounds = 0; rounds < 7; rounds++) {
        await page.evaluate(() => scrollTo(0, document.body.scrollHeight))
        await page.waitForTimeout(30)
      }
      const under = await page.evaluate(() => {
        // Once more, in the same turn as the measurement: older tweets may just have come in.
        scrollTo(0, document.body.scrollHeight)
        const chip = document.querySelector('#chip summary')!.getBoundingClientRect()
        const all = document.querySelectorAll(
          'main :is(a, button, input, summary, textarea, select), .side :is(a, button, input)',
        )
        return [...all]
          .filter((one) => {
            const { left, right, top, bottom, width: wide } = one.getBoundingClientRect()
            return (
              one.checkVisibility() &&
              wide > 0 &&
              left < chip.right &&
              right > chip.left &&
              top < chip.bottom &&
              bottom > chip.top
            )
          })
          .map((one) => one.outerHTML.slice(0, 80))
      })
      if (width < 704) {
        const [chip, bar] = await Promise.all(
          ['#chip', '.bottom'].map((one) => page.locator(one).boundingBox()),
        )
        // No row stands beside it: it is a part of the bar.
        const gap = Math.abs(chip!.y + chip!.height - bar!.y)
        if (chip!.x > 0 || chip!.width < width || gap > 1 || chip!.height > 30)
          under.push(JSON.stringify([chip, bar]))
      }
      if (under.length > 0) covered.push(`${path} ${width}x${height}: ${under.join(' ')}`)
    }
  }
  assert.deepEqual(covered, [])
  await context.close()
})
