import { startApp } from '/work/main/test/harness.ts'
import test from 'node:test'
test('x', async () => {
  await using app = await startApp()
  const a = await app.person('Alice'); const b = await app.person('Bob')
  console.log(a.id,b.id)
  const id = await a.tweet('hello <b>')
  const r = await b.post(`/favorite/${id}`); console.log(r.status, r.text, r.spans.map(s=>s.name))
  const t = await b.get('/timeline',{as:'browser'}); console.log(t.status, t.queries.map(s=>s.name))
  await b.post(`/follow/${a.id}`); console.log((await b.get('/timeline')).text.includes('hello &lt;b&gt;'))
  for (const p of ['/','/search?q=hello','/@alice','/favorites','/followers','/following','/tweet/1','/account','/post','/nope','/user/9999999999999999999']) { const x = await b.get(p); console.log(p,x.status,x.queries.length, x.spans[0]?.name) }
  console.log(await b.send('/timeline',{method:'DELETE'}).then(x=>[x.status,x.headers.get('allow')]))
})
