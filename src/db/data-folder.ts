import { dirname, resolve } from 'node:path'

import { filePath } from './database-file.ts'

/** The folder of the database file; with a libSQL server, `data` in the working directory. */
export const dataFolder = (databaseUrl: string): string =>
  databaseUrl.startsWith('file:') ? dirname(filePath(databaseUrl)) : resolve('data')
