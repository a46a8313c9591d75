import { deleteCookie, setCookie } from 'hono/cookie'
import * as v from 'valibot'

import { cameFrom, router } from '../http/context.ts'
import { themeCookie } from '../http/cookie-names.ts'
import { traced } from '../http/request-span.ts'
import { form } from '../http/validation.ts'

const theme = {
  theme: v.picklist(['system', 'light', 'dark'], 'The theme is system, light or dark.'),
}
const yearSeconds = 365 * 24 * 3600

/** The theme is stored in a cookie and applied by the server: no script, and no flash of the wrong theme. */
export const themeRoutes = router().post('/theme', traced('theme.choose'), form(theme), (c) => {
  const chosen = c.req.valid('form').theme
  if (chosen === 'system') deleteCookie(c, themeCookie, { path: '/' })
  else
    setCookie(c, themeCookie, chosen, {
      path: '/',
      sameSite: 'Lax',
      httpOnly: true,
      maxAge: yearSeconds,
    })
  return c.redirect(cameFrom(c, '/'), 303)
})
