import { secureHeaders } from 'hono/secure-headers'

import type { Settings } from '../config/env.ts'

/** Sets the headers that tell a browser what our pages may do: scripts, forms and pictures of this site only. */
export const securityHeaders = (settings: Settings) =>
  secureHeaders({
    contentSecurityPolicy: {
      defaultSrc: ["'none'"],
      scriptSrc: ["'self'"],
      styleSrc: ["'self'"],
      imgSrc: ["'self'", 'data:'],
      connectSrc: ["'self'"],
      manifestSrc: ["'self'"],
      formAction: ["'self'"],
      baseUri: ["'none'"],
      frameAncestors: ["'none'"],
    },
    // Over plain http browsers ignore these two headers and log a warning for every page.
    crossOriginOpenerPolicy: settings.https,
    originAgentCluster: settings.https,
    strictTransportSecurity: settings.https ? 'max-age=31536000; includeSubDomains' : false,
    xFrameOptions: 'DENY',
    // Not Hono's default `no-referrer`: with it, browsers send `Origin: null` with forms, which `sameOrigin` refuses.
    referrerPolicy: 'same-origin',
    permissionsPolicy: { camera: [], microphone: [], geolocation: [] },
  })
