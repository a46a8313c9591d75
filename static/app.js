// What markup cannot say: the counter, the dialog that asks, toasts for failures, keys, and pages that come back from
// the back/forward cache. Everything works without it.
const $ = (selector, root = document) => root.querySelector(selector)
const on = (event, listener, options) => document.addEventListener(event, listener, options)
const body = document.body
const root = document.documentElement
const visit = performance.getEntriesByType('navigation')[0]

// What this tab remembers. A browser may refuse to: then it remembers nothing.
const recall = (key) => {
  try {
    return JSON.parse(sessionStorage.getItem(key))
  } catch {}
}
const remembered = () => {
  try {
    return Object.keys(sessionStorage)
  } catch {
    return []
  }
}
const remember = (key, value) => {
  try {
    if (value === undefined) sessionStorage.removeItem(key)
    else sessionStorage.setItem(key, JSON.stringify(value))
  } catch {}
}

// Chromium before 150 refuses the empty options that htmx 4.0.1 passes here, and then nothing would be swapped.
try {
  Document.parseHTMLUnsafe?.('', {})
} catch {
  const parse = Document.parseHTMLUnsafe.bind(Document)
  Document.parseHTMLUnsafe = (html) => parse(html)
}

const toast = (text) => {
  const line = document.createElement('p')
  line.className = 'toast'
  line.textContent = text
  $('#toasts').append(line)
}
new MutationObserver(() => {
  for (const line of document.querySelectorAll('.toast:not([data-seen])')) {
    line.dataset.seen = ''
    setTimeout(() => line.remove(), 6000)
  }
}).observe($('#toasts'), { childList: true })
for (const line of document.querySelectorAll('.toast')) setTimeout(() => line.remove(), 6000)

// The counter counts what a reader sees as characters, as the server does.
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

// A session may end while somebody writes: their words stay in this tab, under their id, until the server has taken
// them. 'typed': from the first letter; 'sent': from when they were sent. `sent` waits for what the next page says.
const me = parseInt(body.dataset.viewer)
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
  // What the browser has brought back by itself is newer, and so is what the server shows again.
  if (field.value !== field.defaultValue) continue
  if (isTyped && field.value) keep(field)
  else if (draft && !draft.sent) {
    field.value = draft.text
    // The same words with the same key are the same tweet, should it be there after all.
    if (draft.key) field.form.elements.key.value = draft.key
    if (!isTyped) remember(draftOf(field))
  }
}
countNow()
// The answer to a sign-in with a draft is the page of that draft: a reload must not sign in once more.
if (location.pathname === '/login' && $('#composer')) history.replaceState(history.state, '', '/post')

// A dialog of our own in place of window.confirm; Escape is no.
const ask = (question) =>
  new Promise((answered) => {
    const dialog = document.createElement('dialog')
    dialog.setAttribute('aria-label', 'Please confirm')
    dialog.innerHTML = '<p></p><form method="dialog" class="row"><button class="btn quiet" value="">Keep it</button><button class="btn danger" value="yes">Delete</button></form>'
    $('p', dialog).textContent = question
    dialog.addEventListener('close', () => {
      dialog.remove()
      answered(dialog.returnValue === 'yes')
    })
    body.append(dialog)
    dialog.showModal()
  })
on('htmx:confirm', async (event) => {
  const question = event.detail.ctx?.sourceElement?.getAttribute('hx-confirm')
  if (!question) return
  event.preventDefault()
  if (await ask(question)) event.detail.issueRequest()
  else event.detail.dropRequest()
})

on('htmx:error', (event) => {
  if (String(event.detail.error ?? '').includes('Abort')) return
  toast(navigator.onLine ? 'The server cannot be reached. Try again.' : 'You are offline. Nothing was changed.')
})
on('htmx:response:error', (event) => {
  const { response, text, sourceElement } = event.detail.ctx
  const raw = response?.raw ?? response
  // The form itself says it, in place.
  if (sourceElement?.hasAttribute('hx-status:' + raw?.status)) return
  const trace = raw?.headers?.get('X-Trace-Id')
  const sentence = text && new DOMParser().parseFromString(text, 'text/html').querySelector('.problem')?.textContent
  toast((sentence || 'The server answered ' + raw?.status + '.') + (trace && raw.status >= 500 ? ' Error id ' + trace : ''))
})

// Where focus goes: after a delete to the next tweet; the feed's positions are counted anew.
let next
on('htmx:before:swap', (event) => {
  const article = event.detail.ctx?.sourceElement?.closest?.('[hx-swap=delete]')?.closest('article')
  if (article) next = article.nextElementSibling ?? article.previousElementSibling ?? $('#main')
})
on('htmx:after:swap', () => {
  next?.focus()
  next = undefined
  countNow()
  const feed = $('#feed[data-label]:not([role]):has(> article)')
  feed?.setAttribute('role', 'feed')
  feed?.setAttribute('aria-label', feed.dataset.label)
  document.querySelectorAll('#feed > article').forEach((article, index) => article.setAttribute('aria-posinset', index + 1))
})

// Keys: never in fields, never with modifiers (but Ctrl+K and Ctrl+Enter), and they can be switched off in the list.
const articles = () => [...document.querySelectorAll('#feed > article, .one > article, #rows a')]
const step = (by) => {
  const all = articles()
  const at = all.indexOf(document.activeElement?.closest?.('article, #rows a'))
  const to = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]
  to?.focus({ preventScroll: true })
  to?.scrollIntoView({ block: to.matches('a') ? 'nearest' : 'start' })
}
const here = () => document.activeElement?.closest?.('article')
const go = (path) => path && location.assign(path)
const profile = () => $('.rail a[href^="/@"]')?.getAttribute('href')
const keys = {
  j: ['Next', () => step(1)],
  k: ['Previous', () => step(-1)],
  o: ['Open post', () => go($('.timestamp', here() ?? body)?.href)],
  l: ['Like', () => here() && $('.btn-favorite', here())?.click()],
  n: ['New post', () => ($('#msg') ? $('#msg').focus() : go($('.rail a[href="/post"]') && '/post'))],
  '/': ['Search', () => ($('.search-input') ? $('.search-input').focus() : go('/search'))],
  t: ['What this page did', () => $('#chip summary')?.click()],
  '?': ['This list', () => showKeys()],
  'g h': ['Timeline', () => go('/timeline')],
  'g t': ['Trends', () => go('/')],
  'g p': ['Profile', () => go(profile())],
}
const off = () => localStorage.getItem('keys') === 'off'
const showKeys = () => {
  const dialog = document.createElement('dialog')
  dialog.setAttribute('aria-label', 'Keys')
  dialog.innerHTML = '<h2>Keys</h2><dl></dl><form method="dialog" class="row"><button class="btn quiet" value="off"></button><button class="btn" autofocus>Close</button></form>'
  for (const [key, [what]] of Object.entries(keys)) {
    const [dt, dd] = ['dt', 'dd'].map((tag) => document.createElement(tag))
    for (const one of key.split(' ')) dt.append(Object.assign(document.createElement('kbd'), { textContent: one }), ' ')
    dd.textContent = what
    $('dl', dialog).append(dt, dd)
  }
  $('[value=off]', dialog).textContent = off() ? 'Switch keys on' : 'Switch keys off'
  dialog.addEventListener('close', () => {
    dialog.remove()
    if (dialog.returnValue === 'off') localStorage.setItem('keys', off() ? 'on' : 'off')
  })
  body.append(dialog)
  dialog.showModal()
}
let gAt = 0
on('keydown', (event) => {
  const field = event.target.closest('input, textarea, select, [contenteditable]')
  if ((event.ctrlKey || event.metaKey) && event.key === 'k' && $('.search-input')) {
    event.preventDefault()
    return $('.search-input').focus()
  }
  if ((event.ctrlKey || event.metaKey) && event.key === 'Enter') return field?.form?.requestSubmit()
  if (event.key === 'Escape' && field) return field.blur()
  if (event.key === 'Escape' && $('#chip')?.open && !$('dialog[open]')) {
    $('#chip').open = false
    return $('#chip summary').focus()
  }
  if (field || event.ctrlKey || event.metaKey || event.altKey || $('dialog[open]')) return
  const inFeed = here()?.parentElement?.id === 'feed'
  if (inFeed && (event.key === 'PageDown' || event.key === 'PageUp')) {
    event.preventDefault()
    return step(event.key === 'PageDown' ? 1 : -1)
  }
  if (inFeed && event.ctrlKey && event.key === 'End') return $('#more a')?.focus()
  if (off() && event.key !== '?') return
  if (event.key === 'g') return void (gAt = Date.now())
  const action = (Date.now() - gAt < 1500 && keys['g ' + event.key]) || keys[event.key]
  gAt = 0
  if (!action) return
  event.preventDefault()
  action[1]()
})

// The chip counts what the page has asked for since; while it is open, it shows it.
const chip = $('#chip')
const look = () => chip.open && $('#chip-panel').dispatchEvent(new Event('look'))
chip?.addEventListener('toggle', look)
let asked = 0
let failed = 0
on('htmx:after:request', (event) => {
  const { response, request } = event.detail.ctx ?? {}
  const raw = response?.raw ?? response
  if (!chip || !raw?.headers?.get('X-Trace-Id') || /^\/(traces|logs|routes)/.test(request?.action ?? '')) return
  asked++
  if (raw.status >= 500) failed++
  $('#chip-more').textContent = '+' + asked + (failed ? ', ' + failed + ' failed' : '')
  if (failed) chip.classList.add('failed')
  look()
})

// /traces follows live; a changed filter swaps the list, and the tail goes on with the new one.
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
    say(source.readyState === 2 ? 'Following live is not possible now' : 'The line broke: some rows may be missing')
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

// A note of the critic leads to a line: that line opens.
const unfold = () => /^#span-\w+$/.test(location.hash) && $(location.hash)?.setAttribute('open', '')
addEventListener('hashchange', unfold)
unfold()

// What a button copies; where the browser refuses, it is selected for Ctrl+C.
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

// A page that Back brings from a cache is shown only to who it was made for: it is out of sight until its mark is the
// cookie's. A session that has ended elsewhere only the server knows; what is private, or without a cookie, waits for
// its answer.
const show = () => (root.style.opacity = '')
const leave = () => {
  root.style.opacity = 0
  location.replace(body.dataset.private ?? location.pathname + location.search)
}
addEventListener('pagehide', ({ persisted }) => persisted && (root.style.opacity = 0))
addEventListener('pageshow', async ({ persisted }) => {
  const mine = body.dataset.viewer
  if ((!persisted && visit?.type !== 'back_forward') || mine === undefined) return show()
  // The sign-in form is nobody's: who comes back to it may want to be somebody else.
  if (!me && $('#login-form')) return show()
  const marked = /(?:^|; )tracewren_viewer=([^;]*)/.exec(document.cookie)?.[1] ?? (me ? undefined : mine)
  if (marked && marked !== mine) return leave()
  const waits = body.dataset.private || !marked
  if (!waits) show()
  if (!me) return
  const now = await fetch('/session', { cache: 'no-store', signal: AbortSignal.timeout(3000) })
    .then((answer) => (answer.ok ? answer.text() : undefined))
    .catch(() => {})
  if (now === mine || (now === undefined && !waits)) show()
  else leave()
})

// A page from the back/forward cache shows old likes: fetch the cards that were changed elsewhere.
const changed = () => recall('changed') ?? []
on('htmx:after:request', (event) => {
  const action = event.detail.ctx?.request?.action ?? ''
  const id = /\/(?:un)?favorite\/(\d+)/.exec(action)?.[1]
  if (id) remember('changed', [...new Set([...changed(), id])].slice(-50))
})
addEventListener('pageshow', (event) => {
  if (!event.persisted) return
  for (const id of changed()) {
    if (!$('#tweet-' + id)) continue
    fetch('/tweet/' + id, { headers: { Accept: 'text/html' } })
      .then((answer) => answer.text())
      .then((html) => {
        const fresh = new DOMParser().parseFromString(html, 'text/html').querySelector('#tweet-' + id + ' .like')
        const stale = $('#tweet-' + id + ' .like')
        if (!fresh || !stale) return
        stale.replaceWith(fresh)
        htmx.process(fresh)
      })
      .catch(() => {})
  }
  remember('changed')
})

// Times are UTC in the markup, and say so; here they are the reader's, and name their zone. Swedes write them as ISO does.
const zoned = new Intl.DateTimeFormat('en', { timeZoneName: 'short' })
const zoneAt = (at) => zoned.formatToParts(at).find(({ type }) => type === 'timeZoneName').value
const localTime = (at, text) => at.toLocaleString('sv').slice(0, text.length - 4) + text.slice(19, -4) + ' ' + zoneAt(at)
const localise = () => {
  for (const time of document.querySelectorAll('time:not([data-zoned])')) {
    time.dataset.zoned = ''
    const at = new Date(time.dateTime)
    const text = time.textContent.trim()
    const year = /, /.test(text) ? 'numeric' : undefined
    if (time.title) time.title = localTime(at, time.title)
    if (/UTC$/.test(text)) time.textContent = localTime(at, text)
    else if (/^\d+:/.test(text)) time.textContent = at.toLocaleTimeString('sv') + text.slice(8)
    else if (/^[A-Z]/.test(text)) time.textContent = at.toLocaleDateString('en', { day: 'numeric', month: 'short', year })
  }
}
new MutationObserver(localise).observe(body, { childList: true, subtree: true })
localise()
for (const zone of document.querySelectorAll('.zone')) zone.textContent = zoneAt()
