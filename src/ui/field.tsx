type FieldProps = {
  name: string
  /** Default: the name. */
  id?: string
  label: string
  type?: string
  value?: string | undefined
  /** Default: the name. */
  autocomplete?: string
  /** What is wrong with the value: a sentence shown below the field. */
  problem?: string | undefined
  /** The sentence stands above the form, in its `FormProblem`. */
  saidAbove?: boolean
  hint?: string
  /** It may be left empty. */
  optional?: boolean
  /** The browser tab keeps the text until the server has accepted it: see forms.js. */
  kept?: boolean
}

/** A field of a form, required unless it is optional, with label, hint and error. */
export const Field = ({
  name,
  id = name,
  label,
  type = 'text',
  value,
  autocomplete = name,
  problem,
  saidAbove = false,
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
    {!saidAbove && <Problem of={id}>{problem}</Problem>}
  </p>
)

/** A field for a password; `isNew`: password managers suggest one. */
export const PasswordField = ({ isNew = false, ...field }: FieldProps & { isNew?: boolean }) => (
  <Field type='password' autocomplete={isNew ? 'new-password' : 'current-password'} {...field} />
)

/**
 * The ARIA attributes that connect an input with its `Problem`. The browser focuses the first input with a problem, and
 * scrolls to it.
 */
export const refersTo = (id: string, problem: string | undefined) => ({
  'aria-invalid': problem !== undefined,
  'aria-describedby': problem === undefined ? undefined : `${id}-problem`,
  autofocus: problem !== undefined,
})

/** The error sentence of the input with the id `of`; nothing without an error. */
export const Problem = ({ of, children }: { of: string; children: string | undefined }) =>
  children === undefined ? (
    <></>
  ) : (
    <span class='problem' id={`${of}-problem`} role='alert'>
      {children}
    </span>
  )

/**
 * The error sentence of a whole form, above its fields; nothing without an error. It has the focus, unless the error is
 * about the field `of`.
 */
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
