import assert from 'node:assert/strict'
import test from 'node:test'

import { startApp } from '../../test/harness.ts'

test('a theme is stored in a cookie and applied by the server; "system" deletes it', async () => {
  await using app = await startApp()
  const visitor = app.visitor()
  const themeOf = async () =>
    /<html lang="en"(?: data-theme="(\w+)")?>/.exec((await visitor.get('/')).text)?.[1]
  assert.equal(await themeOf(), undefined)

  const chosen = await visitor.post('/theme', { theme: 'dark' })
  const cookie = chosen.headers.get('Set-Cookie') ?? ''
  for (const part of [
    /^tracewren_theme=dark;/,
    /Path=\//,
    /HttpOnly/,
    /SameSite=Lax/,
    /Max-Age=31536000/,
  ])
    assert.match(cookie, part)
  assert.equal(await themeOf(), 'dark')
  await visitor.post('/theme', { theme: 'light' })
  assert.equal(await themeOf(), 'light')

  assert.equal((await visitor.post('/theme', { theme: 'purple' })).status, 422)
  assert.equal(await themeOf(), 'light')
  visitor.cookies.set('tracewren_theme', '"><script>')
  assert.equal(await themeOf(), undefined, 'a cookie of somebody else is no theme')

  await visitor.post('/theme', { theme: 'system' })
  assert.equal(visitor.cookies.has('tracewren_theme'), false)
})

test('choosing a theme redirects back to the page, if it is on this site', async () => {
  await using app = await startApp()
  const choose = async (from: string) => {
    const headers = { Referer: from }
    return (await app.visitor().post('/theme', { theme: 'dark' }, { headers })).location
  }
  assert.equal(await choose('http://localhost:5000/search?q=pier'), '/search?q=pier')
  assert.equal(await choose('https://elsewhere.example/search'), '/')
})
