// What the faults of the database share.
import Connection from 'libsql'

import { filePath } from '../db/database-file.ts'
import type { Place } from './fault.ts'

/** Faults of the database need its file: a server is somebody else's. */
export const fileOnly = ({ settings }: Place): string | undefined =>
  settings.DATABASE_URL.startsWith('file:')
    ? undefined
    : 'This instance uses a libSQL server. Faults of the database work on a database file only.'

/** A second connection to the file, as another program would have it. It waits for no lock. */
export const secondConnection = ({ settings }: Place) =>
  new Connection(filePath(settings.DATABASE_URL), { timeout: 0 })
