import { html } from '../../ui/html.ts'
// "3 new posts" above the timeline: static/live.js shows it. Without JavaScript nothing is there.

/** The bar of a page whose newest row is `since`. It takes no room, so that nothing moves when it appears. */
export const NewPosts = ({ since }: { since: number }) =>
  html`<div id="new-posts" data-live="/timeline/live?after=${since}">
    <p class="vh" role="status"></p>
    <a
      class="btn"
      href="/timeline"
      hx-get="/timeline?since=${since}"
      hx-target="#new-posts"
      hx-swap="outerHTML"
      hidden
      >New posts</a
    >
  </div>`
