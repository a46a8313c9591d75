// GET /faults: what can be broken, what is broken now, and the forms that start and end it.
import { InspectorTabs } from '../ui/inspector-tabs.tsx'
import { Clock, style } from './banner.tsx'
import { faultKinds, type ActiveFault, type Fault } from './fault.ts'
import { faults } from './list.ts'
import { secondsByDefault, secondsMax } from './options.ts'

type ListProps = {
  active: ActiveFault[]
  warnings: string[]
  /** The routes that may be struck, to choose from. */
  routes: string[]
  /** Are there forms that start and end faults? */
  switches: boolean
  /** Is a game day on? */
  isGame: boolean
  /** Why a fault cannot be started here; undefined when it can. */
  refusalOf: (fault: Fault) => string | undefined
}

export const FaultPage = (list: ListProps) => (
  <>
    {style}
    <h1>Faults</h1>
    <InspectorTabs at='/faults' />
    <p class='words'>
      Break this instance on purpose, look for the cause in the traces, and learn what each fault
      looks like. Every fault ends by itself; a restart ends all of them. No fault changes what
      people wrote.
    </p>
    <FaultList {...list} />
    <datalist id='fault-routes'>
      {list.routes.map((route) => (
        <option value={route}></option>
      ))}
    </datalist>
  </>
)

/** The part of the page that starting and ending a fault changes. */
export const FaultList = (list: ListProps) => (
  <div id='faults'>
    <Active {...list} />
    {faultKinds.map((kind) => {
      const ofKind = faults.filter((one) => one.kind === kind)
      return (
        ofKind.length > 0 && (
          <section class='faults' aria-labelledby={`faults-${kind}`}>
            <h2 id={`faults-${kind}`}>{titles[kind]}</h2>
            {ofKind.map((fault) => (
              <FaultCard {...list} fault={fault} />
            ))}
          </section>
        )
      )
    })}
  </div>
)

const titles = {
  application: 'In the application',
  database: 'In the database',
  process: 'In the process',
  telemetry: 'In the telemetry',
}

const Active = ({ active, warnings, switches, isGame }: ListProps) => (
  <section class='faults active' aria-labelledby='faults-active' aria-live='polite'>
    <h2 id='faults-active'>Active now</h2>
    {isGame && (
      <p>A game day is on: something may be broken, and this page does not say what it is.</p>
    )}
    {active.length === 0 && !isGame && <p>Nothing is broken.</p>}
    <ul>
      {active.map(({ fault, strength, route, share, until }) => (
        <li>
          <b>{fault.title}</b>
          <span>
            {strength} {fault.strength.unit}
          </span>
          {route !== '' && <code>{route}</code>}
          {share < 1 && <span>{Number((share * 100).toFixed(4))} % of its requests</span>}
          <span>
            until <Clock at={until} />
          </span>
          {switches && <Press action={`/faults/${fault.name}/stop`} label={`End ${fault.title}`} />}
        </li>
      ))}
    </ul>
    {warnings.map((sentence) => (
      <p class='warning'>{sentence}</p>
    ))}
    {switches && active.length > 1 && <Press action='/faults/stop' label='End all' />}
  </section>
)

const Press = ({ action, label }: { action: string; label: string }) => (
  <form method='post' action={action} {...toList(action)}>
    <button class='btn'>{label}</button>
  </form>
)

/** With htmx, only the list changes. */
const toList = (action: string) => ({
  'hx-post': action,
  'hx-target': '#faults',
  'hx-swap': 'outerHTML',
})

type CardProps = ListProps & { fault: Fault }

const FaultCard = ({ fault, active, switches, refusalOf }: CardProps) => {
  const isActive = active.some((one) => one.fault === fault)
  const refusal = refusalOf(fault)
  return (
    <article class='fault' id={`fault-${fault.name}`}>
      <h3>
        {fault.title} <code>{fault.name}</code> {isActive && <span class='status bad'>active</span>}
      </h3>
      <p>{fault.does}</p>
      {switches && (refusal === undefined ? <StartForm fault={fault} /> : <p>{refusal}</p>)}
      <details>
        <summary>What it moves, how to find it, how to cure it</summary>
        <dl>
          <dt>Moves</dt>
          <dd>{fault.moves}</dd>
          <dt>Found by</dt>
          <dd>{fault.find}</dd>
          <dt>Cured by</dt>
          <dd>{fault.cure}</dd>
        </dl>
      </details>
    </article>
  )
}

const StartForm = ({ fault: { name, title, strength, takesRoute } }: { fault: Fault }) => (
  <form class='filters' method='post' action={`/faults/${name}`} {...toList(`/faults/${name}`)}>
    <label>
      <span>
        {strength.what}, {strength.unit}
      </span>
      <input
        name='strength'
        type='number'
        required
        min={strength.min}
        max={strength.max}
        value={strength.default}
      />
    </label>
    {takesRoute && (
      <>
        <label>
          <span>Route</span>
          <input name='route' list='fault-routes' value='/timeline' maxlength={200} required />
        </label>
        <label>
          <span>Share, up to 1</span>
          <input name='share' inputmode='decimal' value='1' maxlength={10} required />
        </label>
      </>
    )}
    <label>
      <span>Seed</span>
      <input name='seed' type='number' min={0} max={4294967295} value='1' required />
    </label>
    <label>
      <span>Seconds</span>
      <input
        name='seconds'
        type='number'
        min={1}
        max={secondsMax}
        value={secondsByDefault}
        required
      />
    </label>
    <button class='btn' aria-label={`Start ${title}`}>
      Start
    </button>
  </form>
)
