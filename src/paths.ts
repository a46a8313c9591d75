// The folders of files that are not code. They are beside src/, and beside dist/, which holds the bundle.
import { fileURLToPath } from 'node:url'

const beside = (name: string) => fileURLToPath(new URL(`../${name}`, import.meta.url))

/** The folder of the SQL migrations. */
export const migrationsFolder = beside('drizzle')
/** The folder of the style sheet, scripts and images; ends with a slash. */
export const staticFolder = beside('static/')
/** The build's smaller copies of scripts and style sheet; src/ has no such folder. */
export const minifiedFolder = fileURLToPath(new URL('static/', import.meta.url))
