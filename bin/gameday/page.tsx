// The page of a game: the question, the hints, and in the end the answer with its evidence. It needs no script.
import type { Child } from 'hono/jsx'

import { faultNamed } from '../../src/faults/list.ts'
import { clock, type Link } from './evidence.ts'
import { wordsOf, type Game } from './game.ts'
import {
  everywhere,
  hintCost,
  hintsMax,
  questions,
  worth,
  wrongCost,
  type Question,
} from './score.ts'

export const style = `:root { color-scheme: light dark }
html { background: light-dark(#fff, #15181b); color: light-dark(#15181b, #e8eaed) }
a { color: light-dark(#0b57d0, #9ecaff) }
body { font: 1rem/1.5 system-ui, sans-serif; max-width: 46rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere }
h1 { font-size: 1.5rem; margin: 0.5rem 0 }
h2 { font-size: 1.15rem; margin: 1.5rem 0 0.5rem }
main > section, .problem { border: 1px solid GrayText; border-radius: 0.5rem; padding: 0 1rem 1rem; margin: 1rem 0 }
.problem { padding: 0.75rem 1rem; border-width: 2px }
form { display: flex; flex-wrap: wrap; gap: 0.5rem; align-items: end; margin: 0.5rem 0 }
label span { display: block; font-weight: 600 }
select, input, button { font: inherit; padding: 0.4rem 0.6rem; min-height: 2.75rem; max-width: 100%; box-sizing: border-box }
table { border-collapse: collapse; width: 100% }
th, td { text-align: left; padding: 0.3rem 0.5rem; border-bottom: 1px solid GrayText }
th { overflow-wrap: normal }
td:last-child, th:last-child { text-align: right }
.score { font-size: 2rem; font-weight: 700; margin: 0.5rem 0 }
`

type Props = { game: Game; problem?: string | undefined }

export const GamePage = ({ game, problem }: Props) => (
  <html lang='en'>
    <head>
      <meta charset='utf-8' />
      <meta name='viewport' content='width=device-width, initial-scale=1' />
      <title>Game day</title>
      <link rel='stylesheet' href='/style.css' />
    </head>
    <body>
      <main>
        <h1>Game day</h1>
        {problem !== undefined && (
          <p class='problem' role='alert'>
            {problem}
          </p>
        )}
        {game.state === 'on' && <Playing game={game} />}
        {game.state === 'closing' && (
          <p>
            One moment: the evidence is being collected. <a href='/'>Look again</a>
          </p>
        )}
        {game.state === 'over' && <Over game={game} />}
      </main>
    </body>
  </html>
)

const Playing = ({ game }: { game: Game }) => (
  <>
    <p>
      Something breaks in <a href={game.url}>this Tracewren</a>, or has broken already. Find it with
      its <Inspector url={game.url} />. <a href={`${game.url}/faults`}>All faults</a> are listed
      there, with what they move. People have been using it since <b>{clock(game.startedAt)}</b>; it
      was well for the first {game.wish.ground.window[0]} seconds. The game ends at{' '}
      <b>{clock(game.endsAt)}</b>.
      {game.mystery.decoy &&
        ' At this level something else is odd from the very beginning. The questions ask for what begins later.'}
    </p>
    <AnswerForm game={game} />
    <Hints game={game} />
    <section>
      <h2>Enough</h2>
      <p>You see the answer, and nothing is scored.</p>
      <form method='post' action='/stop'>
        <button>Stop the game</button>
      </form>
    </section>
  </>
)

const Inspector = ({ url }: { url: string }) => (
  <>
    {['/traces', '/logs', '/routes', '/routes?by=query', '/traces/runtime'].map((path, index) => (
      <>
        {index > 0 && ', '}
        <a href={url + path}>{path}</a>
      </>
    ))}
  </>
)

const words: Record<Question, string> = {
  fault: 'What is it?',
  route: 'Which route does it strike?',
  since: 'Since when?',
}

const AnswerForm = ({ game }: { game: Game }) => {
  const question = game.question
  if (question === undefined) return null
  return (
    <section>
      <h2>
        Question {questions.indexOf(question) + 1} of {questions.length}: {words[question]}
      </h2>
      <p>
        Right: {worth[question]} points. Wrong: {-wrongCost}. Each question has one answer, and a
        question that is passed costs nothing.
      </p>
      <form method='post' action='/answer'>
        <input type='hidden' name='question' value={question} />
        <label>
          <span>Your answer</span>
          <AnswerField game={game} question={question} />
        </label>
        <button>Answer</button>
      </form>
      <form method='post' action='/answer'>
        <input type='hidden' name='question' value={question} />
        <button>Pass</button>
      </form>
    </section>
  )
}

const AnswerField = ({ game, question }: { game: Game; question: Question }) => {
  if (question === 'since')
    return <input name='answer' required maxlength={30} placeholder='14:05:30 (UTC)' />
  const choices: [value: string, label: string][] =
    question === 'fault'
      ? game.faults.map((name) => [name, faultNamed(name)!.title])
      : [
          [everywhere, 'the whole process'],
          ...game.routes.map((one) => [one, one] as [string, string]),
        ]
  return (
    <select name='answer' required>
      <option value=''>Choose</option>
      {choices.map(([value, label]) => (
        <option value={value}>{label}</option>
      ))}
    </select>
  )
}

const Hints = ({ game }: { game: Game }) => (
  <section>
    <h2>Hints</h2>
    {game.hints.length > 0 && (
      <ol>
        {game.hints.map((hint) => (
          <li>{hint}</li>
        ))}
      </ol>
    )}
    {game.hintsTaken < hintsMax ? (
      <form method='post' action='/hint'>
        <button>Take a hint, for {hintCost} points</button> {hintsMax - game.hintsTaken} left
      </form>
    ) : (
      <p>There are no more hints.</p>
    )}
  </section>
)

const endings: Record<NonNullable<Game['ending']>, string> = {
  answered: '',
  stopped: 'The game was stopped. It is not scored.',
  time: 'The time is up. It is not scored.',
  'app ended': 'The app has ended, so the game is over. It is not scored.',
}

const Over = ({ game }: { game: Game }) => {
  const { fault, route, since } = game.truth
  const { title, does, moves, find, cure } = wordsOf(fault)
  const { decoy } = game.mystery
  return (
    <>
      <Scored game={game} />
      <section>
        <h2>The answer</h2>
        <p>
          <b>{title}</b> (<code>{fault}</code>),{' '}
          {route ? <code>{route}</code> : 'the whole process'},{' '}
          {game.hasBegun ? 'since' : 'it would have begun at'} <b>{clock(since)}</b>. {does}
        </p>
        {decoy && (
          <p>
            Odd from the beginning, and not the answer: {wordsOf(decoy.name).title}
            {decoy.route && <code> {decoy.route}</code>}.
          </p>
        )}
        <Fact label='It moves'>{moves}</Fact>
        <Fact label='It is found by'>{find}</Fact>
        <Fact label='It would be cured by'>{cure}</Fact>
      </section>
      <EvidenceList game={game} />
      <p>
        Seed {game.wish.seed}, level {game.wish.level}: the same two play it again. The app stays
        for 15 minutes; Ctrl-C ends it now.
      </p>
    </>
  )
}

const Fact = ({ label, children }: { label: string; children: Child }) => (
  <p>
    <b>{label}:</b> {children}
  </p>
)

const Scored = ({ game }: { game: Game }) => {
  const { score, ending } = game
  if (!score) return <p>{ending && endings[ending]}</p>
  return (
    <section>
      <p class='score'>
        {score.points} of {score.of} points
      </p>
      <table>
        <thead>
          <tr>
            <th scope='col'>Question</th>
            <th scope='col'>Your answer</th>
            <th scope='col'>Points</th>
          </tr>
        </thead>
        <tbody>
          {questions.map((question) => {
            const mark = score.marks[question]
            return (
              <tr>
                <th scope='row'>{words[question]}</th>
                <td>
                  {mark?.answer || 'passed'} {mark?.answer && (mark.right ? '(right)' : '(wrong)')}
                </td>
                <td>{mark?.points ?? 0}</td>
              </tr>
            )
          })}
          <tr>
            <th scope='row'>Hints</th>
            <td>{score.hints}</td>
            <td>{score.hints > 0 ? -score.hints * hintCost : 0}</td>
          </tr>
        </tbody>
      </table>
    </section>
  )
}

const EvidenceList = ({ game: { evidence } }: { game: Game }) => (
  <section>
    <h2>The evidence</h2>
    {evidence ? (
      <ul>
        {evidence.traces.map((link) => (
          <Item kind='Trace' link={link} />
        ))}
        <Item kind='Chart' link={evidence.chart} />
        <Item kind='Log' link={evidence.log} />
        {evidence.grafana.map((link) => (
          <Item kind='Grafana' link={link} />
        ))}
      </ul>
    ) : (
      <p>There is none.</p>
    )}
  </section>
)

const Item = ({ kind, link }: { kind: string; link: Link }) => (
  <li>
    {kind}: <a href={link.href}>{link.label}</a>
  </li>
)
