import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: [
    'schema',
    'notification-tables',
    'bookmark-tables',
    'background-tables',
    'hidden-tables',
    'preview-tables',
  ].map((name) => `./src/db/${name}.ts`),
  out: './drizzle',
})
