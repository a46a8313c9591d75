// What HTML and htmx cannot do: confirmation dialog, toasts for failures, keyboard shortcuts, pages from the back/forward
// cache. Everything works without this file.
const $ = (selector, root = document) => root.querySelector(selector)
const on = (event, listener, options) => document.addEventListener(event, listener, options)
const body = document.body
const root = document.documentElement
const visit = performance.getEntriesByType('navigation')[0]
const me = parseInt(body.dataset.viewer)

// Storage of this tab. A browser may block it: then nothing is stored.
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

// Chromium before 150 rejects the empty options that htmx 4.0.1 passes here; without this, no swap would work.
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
const expire = () => {
  for (const line of document.querySelectorAll('.toast:not([data-seen])')) {
    line.dataset.seen = ''
    setTimeout(() => line.remove(), 6000)
  }
}
new MutationObserver(expire).observe($('#toasts'), { childList: true })
expire()

// Our own dialog instead of window.confirm; Escape means no.
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
  // The form shows the error itself.
  if (sourceElement?.hasAttribute('hx-status:' + raw?.status)) return
  const trace = raw?.headers?.get('X-Trace-Id')
  const sentence = text && new DOMParser().parseFromString(text, 'text/html').querySelector('.problem')?.textContent
  toast((sentence || 'The server answered ' + raw?.status + '.') + (trace && raw.status >= 500 ? ' Error id ' + trace : ''))
})

// Focus: after a delete the next tweet, after "Load more" the first new one. The focus below a list that grows stays in
// sight. After each swap, number the positions in the feed again.
let next
let loaded
let below
on('htmx:before:swap', (event) => {
  loaded = $('#more :focus') && articles().length
  below = $('.side :focus')
  if (below?.getBoundingClientRect().top > innerHeight) below = undefined
  const article = event.detail.ctx?.sourceElement?.closest?.('[hx-swap=delete]')?.closest('article')
  if (article) next = article.nextElementSibling ?? article.previousElementSibling ?? $('#main')
})
on('htmx:after:swap', () => {
  if (loaded) next = articles()[loaded]
  next?.focus()
  next = undefined
  below?.scrollIntoView({ block: 'nearest' })
  setTimeout(() => $('[data-new]')?.removeAttribute('data-new'), 2000)
  const feed = $('#feed[data-label]:not([role]):has(> article)')
  feed?.setAttribute('role', 'feed')
  feed?.setAttribute('aria-label', feed.dataset.label)
  document.querySelectorAll('#feed > article').forEach((article, index) => article.setAttribute('aria-posinset', index + 1))
})

// A card and a row of a table open where they are clicked on free ground, as their link does; their text can be selected.
const open = (card, inTab) => {
  const link = card && !card.matches('.one > *') && ($('.timestamp', card) ?? $('.username, td a', card))
  if (!link) return
  if (inTab) window.open(link.href, '_blank', 'noopener')
  else location.assign(link.href)
}
const ground = ({ target }) => !target.closest('a,button,form:not(.actions),summary,pre') && target.closest('.quoted, .tweet, .user-item, .requests tr')
const onGround = (event) => {
  const { target, button, ctrlKey, metaKey, shiftKey } = event
  const card = ground(event)
  if (!card || button > 1 || shiftKey) return
  if (button || ctrlKey || metaKey) return open(card, true)
  // On text it may be the first of two clicks, which select a word.
  setTimeout(() => String(getSelection()) || open(card), target.closest('p, td') ? 200 : 0)
}
on('click', onGround)
on('auxclick', onGround)
on('mousedown', (event) => event.button === 1 && ground(event) && event.preventDefault())

// "3m" moves on; from a week on it is a date.
const moveOn = (time) => {
  const minutes = Math.floor((Date.now() - Date.parse(time.dateTime)) / 6e4)
  if (minutes < 1 || !/^(now|\d+[smhd])$/.test(time.textContent)) return
  const [size, unit] = minutes < 60 ? [1, 'm'] : minutes < 1440 ? [60, 'h'] : [1440, 'd']
  time.textContent = minutes < 10080 ? Math.floor(minutes / size) + unit : time.title.slice(0, 10)
}
setInterval(() => document.querySelectorAll('.timestamp time').forEach(moveOn), 6e4)

// Keyboard shortcuts: not in fields, not with modifiers (except Ctrl+K and Ctrl+Enter). The list of keys switches them
// off.
const articles = () => [...document.querySelectorAll('#feed > article, .one > article, .above > article, #rows a')]
const step = (by) => {
  const all = articles()
  const at = all.indexOf(document.activeElement?.closest?.('article, #rows a'))
  const to = all[at < 0 ? 0 : Math.min(Math.max(at + by, 0), all.length - 1)]
  to?.focus({ preventScroll: true })
  to?.scrollIntoView({ block: to.matches('a') ? 'nearest' : 'start' })
}
const here = () => document.activeElement?.closest?.('article')
const press = (kind) => () => here() && $('.' + kind, here())?.click()
const go = (path) => path && location.assign(path)
const leads = (path) => () => go(path)
const profile = () => $('.rail a[href^="/@"]')?.getAttribute('href')
const keys = {
  j: ['Next', () => step(1)],
  k: ['Previous', () => step(-1)],
  o: ['Open', () => open(document.activeElement.closest('article, tr'))],
  l: ['Like', press('btn-favorite')],
  t: ['Repost', press('retweet')],
  b: ['Bookmark', press('bookmark')],
  r: ['Reply', () => $('.reply', here() ?? $('.one') ?? undefined)?.click()],
  n: ['New post', () => ($('#msg') ? $('#msg').focus() : go($('.rail a[href="/post"]') && '/post'))],
  '/': ['Search', () => ($('.search-input') ? $('.search-input').focus() : go('/search'))],
  w: ['What this page did', () => $('#chip summary')?.click()],
  '?': ['This list', () => showKeys()],
  'g h': ['Timeline', leads('/timeline')],
  'g t': ['Trends', leads('/')],
  'g n': ['Notifications', leads('/notifications')],
  'g e': ['Everybody', leads('/everybody')],
  'g b': ['Bookmarks', leads('/bookmarks')],
  'g p': ['Profile', () => go(profile())],
}
const off = () => {
  try {
    return localStorage.getItem('keys') === 'off'
  } catch {}
}
// keys.js shows the list each time it runs.
const showKeys = () => body.append(Object.assign(document.createElement('script'), { src: $('[data-keys]').dataset.keys }))
// A letter is itself with Caps Lock, too; in other alphabets it is where Latin keyboards have it.
const keyOf = ({ key = '', code, shiftKey }) => {
  if (code === 'Slash' && /^([.,]|[^ -~])$/.test(key)) return shiftKey ? '?' : '/'
  if (key.length > 1) return key
  return key > '~' && /^Key/.test(code) ? code[3].toLowerCase() : key.toLowerCase()
}
let gAt = 0
on('keydown', (event) => {
  // An input method has this key.
  if (event.isComposing || event.keyCode === 229) return
  const key = keyOf(event)
  const ctrl = event.ctrlKey || event.metaKey
  const field = event.target.closest('input, textarea, select, [contenteditable]')
  if (ctrl && key === 'k' && $('.search-input')) {
    event.preventDefault()
    return $('.search-input').focus()
  }
  if (key === 'Enter' && event.target.matches('article')) return open(event.target, ctrl)
  if (ctrl && key === 'Enter') return event.repeat || field?.form?.requestSubmit()
  if (key === 'Escape' && field) return field.blur()
  if (key === 'Escape' && $('#chip')?.open && !$('dialog[open]')) {
    $('#chip').open = false
    return $('#chip summary').focus()
  }
  if (field || event.altKey || $('dialog[open]')) return
  const inFeed = here()?.parentElement?.id === 'feed'
  if (inFeed && ctrl && key === 'End') {
    event.preventDefault()
    // Not "Load more": it loads by itself where it comes into sight, and the focus would be in the list again.
    const past = [...document.querySelectorAll('.side a, .bottom a, #chip summary')]
    return past.find((one) => one.checkVisibility())?.focus()
  }
  if (ctrl) return
  if (inFeed && (key === 'PageDown' || key === 'PageUp')) {
    event.preventDefault()
    return step(key === 'PageDown' ? 1 : -1)
  }
  if ((off() && key !== '?') || (event.shiftKey && /^[a-z]$/.test(key))) return
  if (key === 'g') return void (gAt = Date.now())
  const action = (Date.now() - gAt < 1500 && keys['g ' + key]) || keys[key]
  gAt = 0
  if (!action) return
  event.preventDefault()
  action[1]()
})

// The chip counts the requests that the page has sent; an open chip reloads its panel after each.
const chip = $('#chip')
const reloadPanel = () => chip.open && $('#chip-panel').dispatchEvent(new Event('look'))
chip?.addEventListener('toggle', reloadPanel)
let requestCount = 0
let failed = 0
on('htmx:after:request', (event) => {
  const { response, request } = event.detail.ctx ?? {}
  const raw = response?.raw ?? response
  if (!chip || !raw?.headers?.get('X-Trace-Id') || /^\/(traces|logs|routes)/.test(request?.action ?? '')) return
  requestCount++
  if (raw.status >= 500) failed++
  $('#chip-more').textContent = '+' + requestCount + (failed ? ', ' + failed + ' failed' : '')
  if (failed) chip.classList.add('failed')
  reloadPanel()
})

// A page from a cache (Back) is shown only to the user it was made for: it is invisible until its data-viewer equals
// the cookie. Only the server knows whether the session has ended elsewhere: a private page, or one without a cookie,
// stays invisible until the server has answered.
const show = () => (root.style.opacity = '')
const leave = () => {
  root.style.opacity = 0
  location.replace(body.dataset.private ?? location.pathname + location.search)
}
addEventListener('pagehide', ({ persisted }) => persisted && (root.style.opacity = 0))
addEventListener('pageshow', async ({ persisted }) => {
  const mine = body.dataset.viewer
  if ((!persisted && visit?.type !== 'back_forward') || mine === undefined) return show()
  // The sign-in form belongs to nobody: Back may show it, to sign in as another user.
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

// A page from the back/forward cache shows old likes and counts: fetch the buttons that were changed on other pages.
const changed = () => recall('changed') ?? []
on('htmx:after:request', (event) => {
  const { request, sourceElement } = event.detail.ctx ?? {}
  const id = /(?:favorite|retweet|bookmark)\/(\d+)/.exec(request?.action)?.[1] ?? sourceElement?.reply_to?.value
  if (id) remember('changed', [...new Set([...changed(), id])].slice(-50))
  if (/seen$/.test(request?.action)) remember('seen', Date.now())
})
addEventListener('pageshow', (event) => {
  if (!event.persisted) return
  if (recall('seen') > performance.timeOrigin) body.classList.add('seen')
  for (const id of changed()) {
    const cards = '[data-tweet-id="' + id + '"] .actions'
    if (!$(cards)) continue
    fetch('/tweet/' + id, { headers: { Accept: 'text/html' } })
      .then((answer) => answer.text())
      .then((html) => {
        const fresh = $(cards, new DOMParser().parseFromString(html, 'text/html'))
        if (fresh) for (const stale of document.querySelectorAll(cards)) {
          stale.innerHTML = fresh.innerHTML
          htmx.process(stale)
        }
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
