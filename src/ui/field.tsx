type FieldProps = {
  id: string
  name: string
  label: string
  type?: string
  value?: string | undefined
  autocomplete: string
  /** What is wrong with the value: a sentence at the field. */
  problem?: string | undefined
  hint?: string
  /** It may be left empty. */
  optional?: boolean
  /** What was sent stays in the tab until the server has taken it: see app.js. */
  kept?: boolean
}

/** A field of a form that must be filled in, unless it is optional. */
export const Field = ({
  id,
  name,
  label,
  type = 'text',
  value,
  autocomplete,
  problem,
  hint,
  optional = false,
  kept = false,
}: FieldProps) => (
  <p class='field'>
    <label for={id}>
      {label}
      {optional && ' (optional)'}
    </label>
    <input
      id={id}
      name={name}
      type={type}
      value={value}
      autocomplete={autocomplete}
      required={!optional}
      data-draft={kept ? 'sent' : undefined}
      {...refersTo(id, problem)}
    />
    {hint && <span class='hint'>{hint}</span>}
    <Problem of={id}>{problem}</Problem>
  </p>
)

/** The attributes of an input whose sentence of what is wrong, if there is one, is a `Problem`. */
export const refersTo = (id: string, problem: string | undefined) => ({
  'aria-invalid': problem !== undefined,
  'aria-describedby': problem === undefined ? undefined : `${id}-problem`,
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

/** The sentence of why a whole form was refused, above its fields. */
export const FormProblem = ({ children }: { children: string | undefined }) =>
  children === undefined ? (
    <></>
  ) : (
    <p class='alert alert-warning problem' role='alert'>
      {children}
    </p>
  )
