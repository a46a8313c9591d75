// For the timeline: "3 new posts"; app.js is loaded before it.
let stream
let retry
const hush = () => {
  clearTimeout(retry)
  stream?.close()
}
const listen = () => {
  hush()
  // All tabs share six connections.
  if (document.hidden) return
  const [line, link] = $('#new-posts').children
  // After a refusal 60 s ± 30; an open stream says when to come back after it is lost.
  let wait = 3e4 + Math.random() * 6e4
  stream = new EventSource($('#new-posts').dataset.live)
  stream.addEventListener('wait', ({ data }) => (wait = data))
  stream.addEventListener('over', hush)
  stream.onmessage = ({ data }) => {
    link.textContent = data
    link.hidden = false
    // Read out once.
    line.textContent ||= data
  }
  stream.onerror = () => {
    hush()
    retry = setTimeout(listen, wait)
  }
}
on('visibilitychange', listen)
addEventListener('pageshow', ({ persisted }) => persisted && listen())
on('htmx:after:swap', ({ detail }) => {
  if (!detail.ctx?.sourceElement?.closest('#new-posts')) return
  articles()[0]?.focus()
  listen()
})
listen()
