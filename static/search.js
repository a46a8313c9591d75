// For pages that search while somebody types; app.js is loaded before it.

// Half a word of an input method is not searched for.
const searches = ({ target }) => target.form?.hasAttribute('hx-get')
on('input', (event) => event.isComposing && searches(event) && event.stopPropagation(), true)
on('compositionend', (event) => searches(event) && event.target.dispatchEvent(new Event('input', { bubbles: true })))
