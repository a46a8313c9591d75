import * as v from 'valibot'

import { cameFrom, router } from '../http/context.ts'
import { keepChoice, themeCookie } from '../http/cookie-names.ts'
import { traced } from '../http/request-span.ts'
import { form } from '../http/validation.ts'

const theme = {
  theme: v.picklist(['system', 'light', 'dark'], 'The theme is system, light or dark.'),
}

/** The theme is stored in a cookie and applied by the server: no script, and no flash of the wrong theme. */
export const themeRoutes = router().post('/theme', traced('theme.choose'), form(theme), (c) => {
  const chosen = c.req.valid('form').theme
  keepChoice(c, themeCookie, chosen === 'system' ? undefined : chosen)
  return c.redirect(cameFrom(c, '/'), 303)
})
