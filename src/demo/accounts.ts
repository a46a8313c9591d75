/** The email address of a demo account by its id: 1 gives `user0001@example.com`. */
export const addressOf = (id: number): string => `user${String(id).padStart(4, '0')}@example.com`

/** The password of all demo accounts. */
export const demoPassword = 'password123'
