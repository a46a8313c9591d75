// XSS payloads in all fields, on all pages that show them: none is executed.
import assert from 'node:assert/strict'
import test from 'node:test'

import { post, scratch, startServer } from '../process.ts'
import { launch } from './browser.ts'

const run = 'window.ran=1'
const payloads = [
  `<script>${run}</script>`,
  `<img src=x onerror="${run}">`,
  `<svg onload="${run}">`,
  `"><script>${run}</script>`,
  `'><img src=x onerror=${run}>`,
  `" onmouseover="${run}" autofocus onfocus="${run}`,
  `' onclick='${run}`,
  `javascript:${run}`,
  `<a href="javascript:${run}">x</a>`,
  `https://example.org/"onmouseover="${run}`,
  `https://example.org/'><script>${run}</script>`,
  `http://javascript:${run}@example.org/`,
  `<iframe srcdoc="<script>parent.ran=1</script>">`,
  `<iframe src="javascript:parent.ran=1">`,
  `<object data="javascript:${run}">`,
  `<embed src="data:text/html,<script>${run}</script>">`,
  `<math><mtext></p><script>${run}</script>`,
  `<body onload="${run}">`,
  `<input autofocus onfocus="${run}">`,
  `<details open ontoggle="${run}">`,
  `<video><source onerror="${run}">`,
  `<style>@import 'javascript:${run}'</style>`,
  `<link rel=stylesheet href="data:text/css,*{display:none}">`,
  `<base href="https://evil.example/">`,
  `<meta http-equiv="refresh" content="0;url=javascript:${run}">`,
  `<form action="javascript:${run}"><button>x</button></form>`,
  `<div hx-get="/logout" hx-trigger="load">x</div>`,
  `<div hx-on:click="${run}">x</div>`,
  `<div hx-on::load="${run}" hx-trigger="load">x</div>`,
  `<hx-partial hx-target="body"><script>${run}</script></hx-partial>`,
  `<template><script>${run}</script></template>`,
  `</textarea><script>${run}</script>`,
  `</title><script>${run}</script>`,
  `-->"><script>${run}</script><!--`,
  `&lt;script&gt;${run}&lt;/script&gt;`,
  `&#60;script&#62;${run}`,
  `{{constructor.constructor('${run}')()}}`,
  `\${${run}}`,
  `@"><script>${run}</script>`,
  `#"><img src=x onerror=${run}>`,
]

test(`${payloads.length} payloads in name, bio, tweet, quote, retweet, search and next: none is executed`, async () => {
  using place = scratch()
  await using browser = await launch()
  await using server = await startServer({
    DATABASE_URL: `file:${place.folder}/xss.db`,
    LOG_LEVEL: 'silent',
  })
  const context = await browser.newContext()
  const page = await context.newPage()
  const troubles: string[] = []
  page.on('dialog', (dialog) => {
    troubles.push(`dialog ${dialog.message()}`)
    void dialog.dismiss()
  })
  await context.addInitScript(() => {
    document.addEventListener('securitypolicyviolation', (event) => {
      ;(window as unknown as { violated: string }).violated =
        `${event.violatedDirective} ${event.blockedURI}`
    })
  })
  await page.goto(`${server.url}/register`)
  await page.fill('#reg-name', payloads[0]!.slice(0, 50))
  await page.fill('#reg-mailaddress', 'eve@example.org')
  await page.fill('#reg-password', 'a long password')
  await page.click('#register-form button')
  await page.waitForURL('**/timeline')
  const cookie = (await context.cookies()).map(({ name, value }) => `${name}=${value}`).join('; ')
  const handle = (await page.getAttribute('aside a.who', 'href'))!
  for (const [index, payload] of payloads.entries()) {
    assert.equal((await post(`${server.url}/tweet`, { msg: payload }, cookie))?.status, 200)
    const quote = { msg: 'See this', quote: String(3 * index + 1) }
    assert.equal((await post(`${server.url}/tweet`, quote, cookie))?.status, 200)
    assert.equal((await post(`${server.url}/retweet/${quote.quote}`, {}, cookie))?.status, 200)
  }
  const look = async (path: string) => {
    await page.goto(server.url + path)
    await page.evaluate(() =>
      document.querySelectorAll('a, button, [tabindex]').forEach((element) => {
        element.dispatchEvent(new MouseEvent('mouseover', { bubbles: true }))
        if (element instanceof HTMLElement) element.focus()
      }),
    )
    const seen = await page.evaluate(() => {
      const scope = window as unknown as { ran?: number; violated?: string }
      const odd = [...document.querySelectorAll('*')].flatMap((element) =>
        element
          .getAttributeNames()
          .filter(
            (name) =>
              name.startsWith('on') ||
              name.startsWith('hx-on') ||
              (/^(href|src|action)$/.test(name) &&
                /^\s*(javascript|data):/i.test(element.getAttribute(name)!)),
          ),
      )
      return { ran: scope.ran ?? 0, violated: scope.violated ?? '', odd, path: location.pathname }
    })
    assert.deepEqual(seen, { ran: 0, violated: '', odd: [], path: path.split('?')[0] }, path)
  }
  for (const path of [
    `${handle}?limit=100`,
    '/timeline?limit=100',
    '/post?quote=1',
    '/logs',
    '/traces',
  ])
    await look(path)
  for (const [index, payload] of payloads.entries()) {
    const profile = { name: payload.slice(0, 50), bio: payload.slice(0, 160) }
    const saved = await post(`${server.url}/account/profile`, profile, cookie)
    assert.equal(saved?.status, 200, payload)
    if (index % 4 === 0) for (const path of [handle, '/account']) await look(path)
    await look(`/search?q=${encodeURIComponent(payload)}`)
  }
  // The form is not shown to signed-in users.
  const cookies = await context.cookies()
  await context.clearCookies()
  for (const payload of payloads.filter((_, index) => index % 8 === 0)) {
    await look(`/login?next=${encodeURIComponent(payload)}`)
    await look(`/login?next=${encodeURIComponent(`/${payload}`)}`)
  }
  await context.addCookies(cookies)
  await look('/timeline')
  assert.deepEqual(troubles, [])
})
