import type { Db } from '../db/db.ts'
import { forgetVisitor } from '../ui/layout.tsx'
import { forgetSuggested } from './side-column.tsx'
import { forgetPerson } from './tweets/views.tsx'

/** Drops what this process has rendered of a deleted person. */
export function forgetEverywhere(db: Db, id: number): void {
  forgetPerson(id)
  forgetVisitor(id)
  forgetSuggested(db, id)
}
