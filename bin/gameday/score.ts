// The questions of a game day and what an answer is worth. Nothing here knows of processes.
export const questions = ['fault', 'route', 'since'] as const
export type Question = (typeof questions)[number]

export const worth: Record<Question, number> = { fault: 60, route: 20, since: 20 }
/** A wrong answer costs this much, so that guessing does not pay; no answer costs nothing. */
export const wrongCost = 10
export const hintCost = 10
export const hintsMax = 3
/** An answer to "since when" is right so near to the moment. */
export const sinceMs = 30_000
/** The answer to "which route" for a fault of the whole process. */
export const everywhere = 'everywhere'

/** What was really wrong. */
export type Truth = { fault: string; route: string; since: number }

/** What the player has said, each once; an empty text is a question that was passed. */
export type Answers = Partial<Record<Question, string>>

export type Mark = { answer: string; right: boolean; points: number }
export type Score = {
  marks: Partial<Record<Question, Mark>>
  hints: number
  /** Never below 0. */
  points: number
  of: number
}

/** The next question; undefined when all have been answered. */
export const nextQuestion = (answers: Answers): Question | undefined =>
  questions.find((question) => answers[question] === undefined)

/** Marks each answer for itself. */
export function scoreOf(truth: Truth, answers: Answers, hints: number, now: number): Score {
  const marks: Score['marks'] = {}
  for (const question of questions) {
    const answer = answers[question]
    if (answer === undefined) continue
    const right = answer !== '' && isRight(truth, question, answer, now)
    marks[question] = {
      answer,
      right,
      points: right ? worth[question] : answer === '' ? 0 : -wrongCost,
    }
  }
  const sum = Object.values(marks).reduce((total, { points }) => total + points, 0)
  return {
    marks,
    hints,
    points: Math.max(0, sum - hints * hintCost),
    of: questions.reduce((total, question) => total + worth[question], 0),
  }
}

function isRight(truth: Truth, question: Question, answer: string, now: number): boolean {
  if (question === 'fault') return answer === truth.fault
  if (question === 'route') return answer === (truth.route || everywhere)
  const at = timeOf(answer, now)
  return at !== undefined && Math.abs(at - truth.since) <= sinceMs
}

const dayMs = 86_400_000

/** `14:05:30` or `14:05`, UTC, the last one before `now`; or a whole ISO time. Undefined when it is neither. */
export function timeOf(text: string, now: number): number | undefined {
  const clock = /^(\d{1,2}):(\d{2})(?::(\d{2}))?(?: ?UTC|Z)?$/i.exec(text.trim())
  if (!clock) {
    const at = /^\d{4}-\d\d-\d\dT[\d:.]+Z$/.test(text.trim()) ? Date.parse(text.trim()) : Number.NaN
    return Number.isNaN(at) ? undefined : at
  }
  const [hours, minutes, seconds] = [clock[1], clock[2], clock[3] ?? '0'].map(Number)
  if (hours! > 23 || minutes! > 59 || seconds! > 59) return undefined
  const at = Math.floor(now / dayMs) * dayMs + ((hours! * 60 + minutes!) * 60 + seconds!) * 1000
  // Just after midnight, 23:59 was yesterday.
  return at > now + dayMs / 2 ? at - dayMs : at
}

/** Checks an answer before it is taken; returns a sentence about what is accepted, undefined when it is fine. */
export function problemOf(
  question: Question,
  answer: string,
  { faults, routes }: { faults: string[]; routes: string[] },
): string | undefined {
  if (answer === '') return undefined
  if (question === 'fault' && !faults.includes(answer))
    return 'There is no fault of this name. The page lists all that it may be.'
  if (question === 'route' && answer !== everywhere && !routes.includes(answer))
    return `There is no such route. The page lists all; "${everywhere}" is for the whole process.`
  if (question === 'since' && timeOf(answer, Date.now()) === undefined)
    return 'Write the time in UTC, such as 14:05:30.'
  return undefined
}
