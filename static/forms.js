// For pages on which people write: character counter and drafts; app.js is loaded before it.

// Counts graphemes (characters as people see them), as the server does.
const segmenter = new Intl.Segmenter('en')
const count = (field) => {
  const counter = $('#char-counter')
  if (!counter) return
  const text = field.value.slice(0, 20000).replace(/^([^\S\n]*\n)+/, '').trimEnd()
  let left = Number(field.dataset.count)
  const byPoints = Math.floor(left - [...text].length / 4)
  for (const _ of segmenter.segment(text)) left--
  counter.textContent = left = Math.min(left, byPoints)
  counter.classList.toggle('over', left < 0)
}
on('input', ({ target }) => target.dataset?.count && count(target))
const countNow = () => document.querySelectorAll('[data-count]').forEach(count)
countNow()

// Drafts. A session may end while somebody writes: the text stays in this tab, by user id, until the server has
// accepted it. data-draft='typed' keeps it from the first letter, 'sent' from the submit. A draft that is marked `sent`
// is deleted by the next page, unless that page says that it was refused.
const draftOf = (field) => 'draft ' + me + ' ' + field.id
const keep = (field, sent) => {
  if (!me) return
  const text = field.value.slice(0, 5000)
  remember(draftOf(field), text.trim() ? { text, key: field.form.elements.key?.value, sent } : undefined)
}
const drafts = (form) => form?.querySelectorAll?.('[data-draft]') ?? []
on('input', ({ target }) => target.dataset?.draft === 'typed' && keep(target))
on('submit', ({ target }) => {
  if (!target.hasAttribute('hx-post')) for (const field of drafts(target)) keep(field, true)
})
on('htmx:after:request', ({ detail: { ctx } }) => {
  if ((ctx?.response?.raw ?? ctx?.response)?.ok) for (const field of drafts(ctx.sourceElement)) remember(draftOf(field))
})
const isRefused =
  $('#login-form') || visit?.responseStatus >= 400 || visit?.type === 'back_forward' || !document.referrer
for (const key of remembered()) {
  const draft = /^draft /.test(key) && recall(key)
  if (draft?.sent) remember(key, isRefused ? { ...draft, sent: false } : undefined)
}
for (const field of drafts(document)) {
  const draft = me && recall(draftOf(field))
  const isTyped = field.dataset.draft === 'typed'
  // Text that the browser has restored, or that the server shows again, is newer than the draft.
  if (field.value !== field.defaultValue) continue
  if (isTyped && field.value) keep(field)
  else if (draft && !draft.sent) {
    field.value = draft.text
    // With its old key, the text is not posted twice if the server has it already.
    if (draft.key) field.form.elements.key.value = draft.key
    if (!isTyped) remember(draftOf(field))
  }
}
countNow()
// The answer to a sign-in with a draft is the page with that draft: a reload must not sign in again.
if (location.pathname === '/login' && $('#composer')) history.replaceState(history.state, '', '/post')
on('htmx:after:swap', countNow)
