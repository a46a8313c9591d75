// URLs with secrets, and the redacted form that a log or a trace may contain. The same for nginx's log and for
// nginx's spans after the Collector.
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

/** The secret in the examples. */
export const canary = 'CANARY7'

/** A requested URL, and its redacted form. */
export const addresses: [asked: string, shown: string][] = [
  ['/search?q=birds%20of&limit=5', '/search?q=birds%20of&limit=5'],
  ['/search?q=a=b&q=c', '/search?q=a=b&q=c'],
  ['/search?q=a&password=CANARY7&limit=5', '/search?q=a&password=REDACTED&limit=5'],
  ['/search?%70assword=CANARY7&PASSWORD=CANARY7', '/search?%70assword=REDACTED&PASSWORD=REDACTED'],
  ['/search?token=CANARY7&token=CANARY7', '/search?token=REDACTED&token=REDACTED'],
  ['/search?user[mail.address]=CANARY7', '/search?user[mail.address]=REDACTED'],
  ['/search?Q=CANARY7&qq=CANARY7&q%20=CANARY7', '/search?Q=REDACTED&qq=REDACTED&q%20=REDACTED'],
  ['/search?CANARY7', '/search?REDACTED'],
  ['/search?q=a&CANARY7&=CANARY7', '/search?q=a&REDACTED&=REDACTED'],
  [`/search?${'x'.repeat(20)}CANARY7=1&q=a`, '/search?REDACTED&q=a'],
  ['/search?a%26b=CANARY7&q', '/search?a%26b=REDACTED&q'],
  [
    '/@alice?before=5&through=3&from=2&limit=1&q=CANARY7',
    '/@alice?before=5&through=3&from=2&limit=1&q=REDACTED',
  ],
  ['/?q=CANARY7&limit=5', '/?q=REDACTED&limit=5'],
  ['/everybody?before=5&q=CANARY7', '/everybody?before=5&q=REDACTED'],
  ['/bookmarks?through=5&from=1&q=CANARY7', '/bookmarks?through=5&from=1&q=REDACTED'],
  ['/bookmark/5?before=CANARY7', '/bookmark/5?before=REDACTED'],
  ['/unmute/5?before=CANARY7', '/unmute/5?before=REDACTED'],
  ['/block/5', '/block/5'],
  ['/report/5?reason=CANARY7', '/report/5?reason=REDACTED'],
  ['/reports?before=5&q=CANARY7', '/reports?before=5&q=REDACTED'],
  ['/reports/5/dismiss', '/reports/5/dismiss'],
  ['/unsuspend/5', '/unsuspend/5'],
  ['/tweet/5/delete?limit=CANARY7', '/tweet/5/delete?limit=REDACTED'],
  ['/login?next=/timeline', '/login?next=/timeline'],
  ['/login?next=%2F%40alice%2Flikes', '/login?next=%2F%40alice%2Flikes'],
  ['/register?next=/tweet/5', '/register?next=/tweet/5'],
  ['/register?invitation=CANARY7', '/register?invitation=REDACTED'],
  ['/register?next=/tweet/5&invitation=CANARY7', '/register?next=/tweet/5&invitation=REDACTED'],
  ['/%40alice/likes?before=5', '/%40alice/likes?before=5'],
  ['/@alice/feed', '/@alice/feed'],
  ['/@alice/feed?token=CANARY7', '/@alice/feed?token=REDACTED'],
  ['/account/export?token=CANARY7', '/account/export?token=REDACTED'],
  ['/login?next=/search%3Fq%3DCANARY7', '/login?next=/search%3FREDACTED'],
  [
    '/login?next=%2flogin%3fpassword%3dCANARY7&x=CANARY7',
    '/login?next=%2flogin%3fREDACTED&x=REDACTED',
  ],
  ['/login?next=/search?q=CANARY7', '/login?next=/search?REDACTED'],
  [
    '/login?mailaddress=CANARY7%40x&password=CANARY7',
    '/login?mailaddress=REDACTED&password=REDACTED',
  ],
  ['/search?next=/CANARY7', '/search?next=REDACTED'],
  ['/reset/CANARY7', '/reset/REDACTED'],
  ['/reset/CANARY7/now?key=CANARY7', '/reset/REDACTED?key=REDACTED'],
  ['/tweet/5/CANARY7', '/tweet/REDACTED'],
  ['/eyJhbGciOiJIUzI1NiJ9.CANARY7', '/REDACTED'],
  ['//CANARY7', '/REDACTED'],
  ['/wp-login.php', '/wp-login.php'],
  ['/search?q=a?token=CANARY7&limit=5', '/search?q=a?REDACTED&limit=5'],
  ['/search?x123456=CANARY7', '/search?REDACTED'],
  ['/4111111111111111', '/REDACTED'],
  ['/a;pw=CANARY7', '/REDACTED'],
  ['/static/CANARY7', '/static/REDACTED'],
  ['/tag/birds?before=5&q=CANARY7', '/tag/birds?before=5&q=REDACTED'],
  ['/tag/%E6%9D%B1%E4%BA%AC', '/tag/%E6%9D%B1%E4%BA%AC'],
  [`/tag/${'x'.repeat(20)}CANARY7`, '/tag/REDACTED'],
  ['/tag/123456CANARY7', '/tag/REDACTED'],
  ['/tag/a=CANARY7', '/tag/REDACTED'],
]

/** More URLs: each program may redact these differently, but the secret must not be shown. */
export const oddAddresses = [
  '/search?q=a;password=CANARY7;limit=5',
  '/search;password=CANARY7',
  '/search;password=CANARY7?q=a',
  '/search?&&;password=CANARY7&',
  '/search??password=CANARY7',
  '/search?q<password=CANARY7&x>y=CANARY7&<=CANARY7',
  '/search?x=1<q=CANARY7',
  '/search#password=CANARY7',
  '/search?limit=5#CANARY7',
  '/../login/CANARY7',
  '/login/CANARY7?x',
  '/login?next=CANARY7',
  '/login?next=/CANARY7',
  '/login?next=/reset/CANARY7',
  '/login?next=/reset/abcCANARY7',
  '/login?next=/abcdefghijklmCANARY7',
  '/login?next=/a%23CANARY7',
  '/login?next=/a%3BCANARY7',
  '/login?next=/a%CANARY7',
  '/login?next=/a;CANARY7',
  '/login?next=//CANARY7',
  '/login?next=https://x/CANARY7',
  '/login?next=%252Flogin%253Fpassword%253DCANARY7',
  '/login?next=/a&next=/CANARY7&next=/a?CANARY7&next=CANARY7',
  '/login?Next=/CANARY7&%6eext=/CANARY7',
  `/login?next=${'/a'.repeat(500)}/CANARY7`,
  `/search?${'limit=1&'.repeat(7)}password=CANARY7&token=CANARY7&CANARY7`,
  `/search?${'password=CANARY7&'.repeat(60)}q=a`,
]

/** The GET routes of docs/http.md, each with an example URL and its declared parameters. */
export function declaredParameters(): { address: string; parameters: string[] }[] {
  const table = readFileSync(fileURLToPath(new URL('../docs/http.md', import.meta.url)), 'utf8')
  return [...table.matchAll(/^\| `GET (\/\S*)` \|([^|]*)\|/gm)].map(([, route, fields]) => ({
    address: route!
      .replace('/traces/:id', `/traces/${'a1'.repeat(16)}`)
      .replace(':span', 'b2'.repeat(8))
      .replace(':id', '5')
      .replace(':handle', '@alice')
      .replace(':tag', 'hello')
      .replace('*', 'app.css'),
    parameters: [...fields!.matchAll(/`(\w+)\??`/g)].map(([, name]) => name!),
  }))
}
