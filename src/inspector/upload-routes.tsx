// Uploading a file of traces, and looking at it.
import type { Context } from 'hono'

import { Refusal } from '../base/refusal.ts'
import { router, type Env } from '../http/context.ts'
import { limited } from '../http/rate-limits.ts'
import { signedIn } from '../http/sessions.ts'
import { found } from '../http/validation.ts'
import { UnreadableTraces } from '../trace-store/otlp-values.ts'
import { readOtlp } from '../trace-store/read-otlp.ts'
import { Uploads } from '../trace-store/uploads.ts'
import { answer } from '../ui/answer.ts'
import { page } from '../ui/layout.tsx'
import { inspectorsOnly, recorded } from './access.tsx'
import { receiveFile } from './receive-file.ts'
import { UploadedFiles, UploadedPage, uploadedQuery, UploadedTrace } from './uploaded.tsx'

const access = [recorded, inspectorsOnly, signedIn] as const
const place = '/traces/uploaded'

/** The routes of uploaded files; they are kept in `uploads`, by session. */
export const uploadRoutes = (uploads = new Uploads()) =>
  router()
    .post('/traces/upload', ...access, limited('LIMIT_WRITE'), async (c) => {
      const { name, text } = await receiveFile(c)
      const given = { name, bytes: text.length, traces: tracesIn(text) }
      const file = uploads.add(sessionOf(c), given)
      if (!file) {
        throw new Refusal(503, 'Too many files of others are kept now. Try again later.', {
          code: 'too_many_uploads',
          headers: { 'Retry-After': '300' },
        })
      }
      const spans = file.traces.reduce((sum, { trace }) => sum + trace.spans.length, 0)
      return answer(c, {
        partial: <UploadedFiles files={uploads.filesOf(sessionOf(c))} />,
        to: place,
        json: { file: file.id, traces: file.traces.length, spans },
      })
    })
    .get(place, ...access, uploadedQuery, (c) => {
      const files = uploads.filesOf(sessionOf(c))
      const { file: id, trace } = c.req.valid('query')
      const head = { wide: true, private: place }
      if (id === '' || trace === '')
        return page(c, { ...head, title: 'Uploaded' }, <UploadedPage files={files} />)
      const file = found(files.find((one) => one.id === Number(id)))
      const one = found(file.traces.find((read) => read.trace.id === trace))
      return page(c, { ...head, title: 'Uploaded trace' }, <UploadedTrace file={file} one={one} />)
    })

const sessionOf = (c: Context<Env>) => c.get('viewer').tokenHash

function tracesIn(text: string) {
  try {
    return readOtlp(text)
  } catch (error) {
    if (!(error instanceof UnreadableTraces)) throw error
    throw new Refusal(422, error.message, { code: 'unreadable_traces' })
  }
}
