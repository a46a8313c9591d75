// What the charts of /traces say: the value under the pointer, or of the place that arrow keys have moved to.
for (const svg of document.querySelectorAll('.chart svg')) {
  const places = [...svg.querySelectorAll('rect')]
  const line = svg.parentElement.querySelector('.top')
  const top = line.textContent
  let at = places.length - 1
  const say = (place) => {
    svg.querySelector('.at')?.classList.remove('at')
    place?.classList.add('at')
    line.textContent = place ? place.textContent : top
  }
  const set = (name, value) => svg.setAttribute(name, value)
  const move = (to) => {
    at = Math.min(Math.max(to, 0), places.length - 1)
    set('aria-valuenow', at)
    set('aria-valuetext', places[at].textContent)
    if (document.activeElement === svg) say(places[at])
  }
  svg.removeAttribute('aria-hidden')
  set('role', 'slider')
  set('tabindex', 0)
  set('aria-label', svg.dataset.label + ' over time')
  set('aria-valuemin', 0)
  set('aria-valuemax', at)
  move(at)
  svg.addEventListener('focus', () => move(at))
  svg.addEventListener('blur', () => say())
  svg.addEventListener('pointerover', ({ target }) => say(target.closest('rect') ?? undefined))
  svg.addEventListener('pointerleave', () => (document.activeElement === svg ? move(at) : say()))
  svg.addEventListener('keydown', (event) => {
    const to = { ArrowLeft: at - 1, ArrowDown: at - 1, ArrowRight: at + 1, ArrowUp: at + 1, PageUp: at + 6, PageDown: at - 6, Home: 0, End: places.length }[event.key]
    if (to === undefined || event.ctrlKey || event.metaKey || event.altKey) return
    event.preventDefault()
    move(to)
  })
}
