import type { Context } from 'hono'
import type { Child } from 'hono/jsx'

import type { Env } from '../http/context.ts'

type Notice = (c: Context<Env>) => Child

const notices = new Set<Notice>()

/** Shows something above the content of every page; returns the function that takes it away. */
export function addNotice(notice: Notice): () => void {
  notices.add(notice)
  return () => void notices.delete(notice)
}

/** What is above the content of this page: nothing, but while the fault lab breaks something. */
export const noticesOf = (c: Context<Env>): Child =>
  notices.size === 0 ? '' : [...notices].map((one) => one(c))
