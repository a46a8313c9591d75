/** A reason not to start, as one line for the person at the terminal: what is wrong and what cures it. */
export class StartError extends Error {}
