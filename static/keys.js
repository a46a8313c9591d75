// The list of keys. app.js adds this script each time that somebody asks for it, so its names are in a block.
if (!$('dialog[open]')) {
  const others = [
    ['Enter', ['Open']],
    ['Page\u2193 Page\u2191', ['Next, previous']],
    ['Ctrl End', ['Past the list']],
    ['Ctrl K', ['Search']],
    ['Ctrl Enter', ['Send']],
    ['Esc', ['Leave, close']],
  ]
  const dialog = document.createElement('dialog')
  dialog.setAttribute('aria-label', 'Keys')
  dialog.innerHTML = '<h2>Keys</h2><dl></dl><form method="dialog" class="row"><button class="btn quiet" value="off"></button><button class="btn" autofocus>Close</button></form>'
  for (const [key, [what]] of [...Object.entries(keys), ...others]) {
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
