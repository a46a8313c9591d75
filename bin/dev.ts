// The entry point of `npm run dev`: that of the server, with what helps while one develops.
import { noteQueryPlaces } from './query-places.ts'

noteQueryPlaces()
await import('../src/main.ts')
