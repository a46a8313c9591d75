/** The packages with native code. No bundle contains them, so an image has to. */
export const external = ['libsql', '@node-rs/bcrypt']
