// All tables; drizzle.config.ts makes the migrations from them.
export * from './background.ts'
export * from './bookmarks.ts'
export * from './hidden.ts'
export * from './notifications.ts'
export * from './people-and-posts.ts'
export * from './previews.ts'
