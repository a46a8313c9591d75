/** The address that belongs to an id in a demo: `user0001@example.com`. */
export const addressOf = (id: number): string => `user${String(id).padStart(4, '0')}@example.com`

/** Everybody's in a demo. */
export const demoPassword = 'password123'
