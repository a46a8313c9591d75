// What an instance says about itself: its rules, and its name for a phone's home screen.
import { asset, jsonAsset } from '../http/assets.ts'
import { router } from '../http/context.ts'
import { traced } from '../http/request-span.ts'
import { page } from '../ui/layout.tsx'

export const siteRoutes = router()
  .get('/rules', traced('site.rules'), (c) => {
    const { name, rules } = c.var.settings.site
    return page(
      c,
      { title: 'Rules', description: `The rules of ${name}.`, canonical: '/rules' },
      <>
        <h1>Rules</h1>
        <div class='card'>
          <p class='msg' dir='auto'>
            {rules ?? `${name} has no rules of its own.`}
          </p>
        </div>
      </>,
    )
  })
  .get('/site.webmanifest', traced('site.manifest'), (c) => {
    const { name, tagline } = c.var.settings.site
    const file = jsonAsset(asset('app.webmanifest'))
    return c.body(JSON.stringify({ ...file, name, short_name: name, description: tagline }), 200, {
      'Content-Type': 'application/manifest+json',
    })
  })
