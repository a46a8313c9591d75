import type { Child } from 'hono/jsx'

/** A field of a form of the inspector, with its label. */
export const Labelled = ({ label, children }: { label: string; children: Child }) => (
  <label>
    <span>{label}</span>
    {children}
  </label>
)

type ChoiceProps = {
  name: string
  label: string
  values: readonly string[]
  chosen: string
  /** The name of the choice of no value. */
  empty?: string
}

export const Choice = ({ name, label, values, chosen, empty = 'all' }: ChoiceProps) => (
  <Labelled label={label}>
    <select name={name}>
      {values.map((value) => (
        <option value={value} selected={value === chosen}>
          {value === 'duration' ? 'slowest first' : value || empty}
        </option>
      ))}
    </select>
  </Labelled>
)
