// For the pages of the inspector only; app.js is loaded before it.

// Live tail on /traces. A changed filter replaces the list; the tail starts again with the new filter.
let tail
const endTail = () => {
  tail?.source.close()
  tail = undefined
  if ($('#follow')) $('#follow').textContent = 'Follow live'
}
const startTail = () => {
  const rows = $('#rows')
  const source = new EventSource(rows.dataset.live)
  tail = { source, rows }
  $('#follow').textContent = 'Pause'
  const say = (text) => ($('#live').textContent = text)
  source.onopen = () => say('Following live')
  source.onerror = () => {
    say(source.readyState === 2 ? 'Following live is not possible now' : 'The connection was lost: some rows may be missing')
    if (source.readyState === 2) endTail()
  }
  source.onmessage = ({ data }) => {
    rows.insertAdjacentHTML('afterbegin', data)
    while (rows.rows.length > 200) rows.lastElementChild.remove()
  }
}
on('click', ({ target }) => {
  if (target.id !== 'follow') return
  if (!tail) return startTail()
  endTail()
  $('#live').textContent = 'Paused'
})
on('htmx:after:swap', () => {
  if (!tail || tail.rows.isConnected) return
  endTail()
  if ($('#follow')) startTail()
})

// The link in a note of the inspector (#span-...) opens the line that it leads to.
const unfold = () => /^#span-\w+$/.test(location.hash) && $(location.hash)?.setAttribute('open', '')
addEventListener('hashchange', unfold)
unfold()

// Copy buttons. If the browser refuses to copy, the text is selected for Ctrl+C.
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
