// For pages that search while somebody types; app.js is loaded before it.

// Half a word of an input method is not searched for.
const searches = ({ target }) => target.form?.hasAttribute('hx-get')
on('input', (event) => event.isComposing && searches(event) && event.stopPropagation(), true)
on('compositionend', (event) => searches(event) && event.target.dispatchEvent(new Event('input', { bubbles: true })))

// Enter asks for the word: the search of the keys before it, which still waits, may not replace that.
let isSent
on('input', () => (isSent = false), true)
on('submit', () => (isSent = true))
on('htmx:config:request', (event) => isSent && event.detail.ctx.sourceElement.type === 'search' && event.preventDefault())
