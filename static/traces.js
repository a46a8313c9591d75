// For the inspector; app.js is loaded before it.

// Live tail on /traces. It starts again with each new list.
let tail
let rows
const say = (text) => ($('#live').textContent = text)
const endTail = () => {
  tail?.close()
  tail = undefined
  if ($('#follow')) $('#follow').textContent = 'Follow live'
}
const startTail = () => {
  rows = $('#rows')
  tail = new EventSource(rows.dataset.live)
  $('#follow').textContent = 'Pause'
  tail.onopen = () => say('Following live')
  tail.onerror = () => {
    if (tail.readyState < 2) return say('The connection was lost: some rows may be missing')
    say('Following live is not possible now')
    endTail()
  }
  tail.onmessage = ({ data }) => {
    rows.insertAdjacentHTML('afterbegin', data)
    while (rows.rows.length > 200) rows.lastElementChild.remove()
  }
}
on('click', ({ target }) => {
  if (target.id !== 'follow') return
  if (!tail) return startTail()
  endTail()
  say('Paused')
})
on('htmx:after:swap', () => {
  if (!tail || rows.isConnected) return
  endTail()
  if ($('#follow')) startTail()
})
// A hidden tab has no tail: all tabs share six connections. Shown again, its list is loaded, and that starts the tail.
on('visibilitychange', async () => {
  tail?.close()
  if (!tail || document.hidden) return
  await htmx.ajax('GET', location.href, { target: '#list', select: '#list', swap: 'outerHTML' })
  if (tail?.readyState === 2 && !document.hidden) tail.onerror()
})

// The link in a note (#span-...) opens the line that it leads to.
const unfold = () => /^#span-\w+$/.test(location.hash) && $(location.hash)?.setAttribute('open', '')
addEventListener('hashchange', unfold)
unfold()

// If the browser refuses to copy, the text is selected for Ctrl+C.
for (const button of document.querySelectorAll('[data-copy]')) {
  button.hidden = false
  button.addEventListener('click', async () => {
    const source = $(button.dataset.copy)
    try {
      await navigator.clipboard.writeText(source.textContent)
      toast('Copied.')
    } catch {
      getSelection().selectAllChildren(source)
    }
  })
}
