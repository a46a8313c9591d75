// The result as an SVG: a bar for each case, with the cost relative to node:http as its length.
import type { Result } from './rounds.ts'
import { short } from './statistics.ts'

const colours: Record<string, [light: string, dark: string]> = {
  untraced: ['#b4532a', '#e0804f'],
  traced: ['#8a7a5c', '#b3a27f'],
  inspector: ['#5c7a8a', '#86a9bb'],
}
const left = 190
const width = 860
const bar = 14

/** The cases from top to bottom, without logins: with bcrypt, their bar would make all others tiny. */
export function picture(results: Result[], machine: { node: string; cpu: string }): string {
  const modes = Object.keys(colours)
  const shown = results.filter((one) => one.case !== 'POST /login' && modes.includes(one.mode))
  const names = [...new Set(shown.map((one) => one.case))]
  const most = Math.max(...shown.map((one) => one.app.median))
  const scale = (width - left - 170) / most
  let y = 64
  const parts: string[] = []
  for (const name of names) {
    parts.push(text(left - 10, y + bar * 2.1, name, 'name'))
    const nodeHttp = shown.find((one) => one.case === name)!.nodeHttp.median
    const rows = modes.flatMap((mode) =>
      shown.filter((one) => one.case === name && one.mode === mode),
    )
    for (const { mode, app, share } of rows) {
      const length = app.median * scale
      parts.push(
        `<rect class="${mode}" x="${left}" y="${y}" width="${round(length)}" height="${bar - 3}" rx="2"/>`,
        text(
          left + length + 6,
          y + bar - 4,
          `${short(app.median)} us, ${share.median.toFixed(3)}`,
          'number',
        ),
      )
      y += bar
    }
    parts.push(
      `<rect class="limit" x="${left}" y="${y}" width="${round(Math.max(1, nodeHttp * scale))}" height="${bar - 3}" rx="2"/>`,
      text(left + nodeHttp * scale + 6, y + bar - 4, `${short(nodeHttp)} us`, 'number'),
    )
    y += bar + 16
  }
  const legend = [...modes, 'node:http, same bytes'].map((mode, index) => {
    const x = left + index * 130
    const kind = modes.includes(mode) ? mode : 'limit'
    return `<rect class="${kind}" x="${x}" y="36" width="11" height="11" rx="2"/>${text(x + 16, 46, mode, 'number')}`
  })
  const rules = Object.entries(colours)
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${width} ${y}" role="img" aria-label="CPU time of each request">
<style>
text { font: 12px system-ui, sans-serif; fill: #444 } .name { text-anchor: end; font-weight: 600 }
.title { font-size: 14px; font-weight: 600 } .limit { fill: #999 }
${rules.map(([mode, [light]]) => `.${mode} { fill: ${light} }`).join(' ')}
@media (prefers-color-scheme: dark) { text { fill: #ccc } ${rules.map(([mode, [, dark]]) => `.${mode} { fill: ${dark} }`).join(' ')} }
</style>
${text(left, 20, `CPU time of each request, and the share of node:http's speed (Node ${machine.node})`, 'title')}
${legend.join('\n')}
${parts.join('\n')}
</svg>`
}

const round = (value: number) => Math.round(value * 10) / 10
const text = (x: number, y: number, words: string, kind: string) =>
  `<text class="${kind}" x="${round(x)}" y="${round(y)}">${words.replaceAll('&', '&amp;')}</text>`
