type FieldProps = {
  id: string
  name: string
  label: string
  type?: string
  value?: string | undefined
  autocomplete: string
  /** What is wrong with the value: a sentence at the field. */
  problem?: string | undefined
  /** The sentence stands above the form, in its `FormProblem`. */
  saidAbove?: boolean
  hint?: string
  /** What was sent stays in the tab until the server has taken it: see app.js. */
  kept?: boolean
}

/** A field of a form that must be filled in. */
export const Field = ({
  id,
  name,
  label,
  type = 'text',
  value,
  autocomplete,
  problem,
  saidAbove = false,
  hint,
  kept = false,
}: FieldProps) => (
  <p class='field'>
    <label for={id}>{label}</label>
    <input
      id={id}
      name={name}
      type={type}
      value={value}
      autocomplete={autocomplete}
      required
      data-draft={kept ? 'sent' : undefined}
      {...refersTo(id, problem)}
    />
    {hint && <span class='hint'>{hint}</span>}
    {!saidAbove && <Problem of={id}>{problem}</Problem>}
  </p>
)

/**
 * The attributes of an input whose sentence of what is wrong, if there is one, is a `Problem`. Of several the browser
 * focuses the first, and scrolls to it.
 */
export const refersTo = (id: string, problem: string | undefined) => ({
  'aria-invalid': problem !== undefined,
  'aria-describedby': problem === undefined ? undefined : `${id}-problem`,
  autofocus: problem !== undefined,
})

/** The sentence of what is wrong with the input `of`. */
export const Problem = ({ of, children }: { of: string; children: string | undefined }) =>
  children === undefined ? (
    <></>
  ) : (
    <span class='problem' id={`${of}-problem`} role='alert'>
      {children}
    </span>
  )

/** The sentence of why a whole form was refused, above its fields. The focus is here, unless it is in the field `of`. */
export const FormProblem = ({ of, children }: { of?: string; children: string | undefined }) =>
  children === undefined ? (
    <></>
  ) : (
    <p
      {...(of === undefined ? { tabindex: -1, autofocus: true } : { id: `${of}-problem` })}
      class='alert alert-warning problem'
      role='alert'
    >
      {children}
    </p>
  )
