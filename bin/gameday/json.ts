// A game as a program sees it. Before its end it has nothing that a page does not show.
import { wordsOf, type Game } from './game.ts'
import { everywhere, hintCost, hintsMax, questions, worth, wrongCost } from './score.ts'

const time = (at: number) => new Date(at).toISOString()

export const gameJson = (game: Game) => ({
  state: game.state,
  level: game.wish.level,
  app: game.url,
  started: time(game.startedAt),
  ends: time(game.endsAt),
  healthy_seconds: game.wish.ground.window[0],
  questions: questions.map((name) => ({ name, worth: worth[name] })),
  wrong_costs: wrongCost,
  question: game.question ?? null,
  answers: game.answers,
  choices: { fault: game.faults, route: [everywhere, ...game.routes] },
  hints: { taken: game.hints, max: hintsMax, cost: hintCost },
  ...(game.state === 'over' && { result: resultOf(game) }),
})

function resultOf(game: Game) {
  const { fault, route, since } = game.truth
  const { decoy } = game.mystery
  const { title, moves, find, cure } = wordsOf(fault)
  return {
    ending: game.ending,
    score: game.score ?? null,
    seed: game.wish.seed,
    truth: { fault, title, route: route || everywhere, since: time(since), begun: game.hasBegun },
    decoy: decoy ? { fault: decoy.name, route: decoy.route || everywhere } : null,
    moves,
    find,
    cure,
    evidence: game.evidence ?? null,
  }
}
