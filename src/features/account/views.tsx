import { counted, fullTime } from '../../base/format.ts'
import { Field, FormProblem, Problem, refersTo } from '../../ui/field.tsx'

export type Problems = Record<string, string>

export const ProfileForm = ({
  name,
  bio: shown,
  problems,
}: {
  name: string
  bio: string
  problems: Problems
}) => (
  <form class='card door' method='post' action='/account/profile'>
    <h2>Profile</h2>
    <FormProblem>{problems['form']}</FormProblem>
    <Field
      id='name'
      name='name'
      label='Name'
      kept
      value={name}
      autocomplete='name'
      problem={problems['name']}
    />
    <p class='field'>
      <label for='bio'>Bio</label>
      <textarea
        id='bio'
        name='bio'
        rows={3}
        data-draft='sent'
        {...refersTo('bio', problems['bio'])}
      >
        {shown}
      </textarea>
      <Problem of='bio'>{problems['bio']}</Problem>
    </p>
    <button class='btn'>Save</button>
  </form>
)

export const HandleForm = ({
  handle,
  waitUntil,
  problems,
}: {
  handle: string
  waitUntil: number | undefined
  problems: Problems
}) => (
  <form class='card door' method='post' action='/account/handle'>
    <h2>Handle</h2>
    <FormProblem>
      {problems['form'] ?? (waitUntil === undefined ? undefined : problems['handle'])}
    </FormProblem>
    {waitUntil === undefined ? (
      <>
        <Field
          id='handle'
          name='handle'
          label='Handle'
          hint='a to z, digits and _; you can change it once a month, and links to the old one lead on'
          value={handle}
          autocomplete='off'
          problem={problems['handle']}
        />
        <button class='btn'>Change handle</button>
      </>
    ) : (
      <p>
        You are @{handle}. You can change it again from {fullTime(waitUntil)}.
      </p>
    )}
  </form>
)

/** Whose password it is: password managers read this, and Chromium's reads no `type=hidden`. */
const Username = ({ mailaddress }: { mailaddress: string }) => (
  <input type='text' name='username' value={mailaddress} autocomplete='username' hidden readonly />
)

export const PasswordForm = ({
  mailaddress,
  problems,
}: {
  mailaddress: string
  problems: Problems
}) => (
  <form class='card door' method='post' action='/account/password'>
    <h2>Password</h2>
    <FormProblem>{problems['form']}</FormProblem>
    <Username mailaddress={mailaddress} />
    <Field
      id='current'
      name='current'
      label='Current password'
      type='password'
      autocomplete='current-password'
      problem={problems['current']}
    />
    <Field
      id='fresh'
      name='fresh'
      label='New password'
      type='password'
      autocomplete='new-password'
      problem={problems['fresh']}
    />
    <p class='hint'>Changing it signs you out everywhere else.</p>
    <button class='btn'>Change password</button>
  </form>
)

export const SessionsForm = ({ others, problems }: { others: number; problems: Problems }) => (
  <form class='card door' method='post' action='/account/sessions'>
    <h2>Sessions</h2>
    <FormProblem>{problems['form']}</FormProblem>
    <p>
      You are signed in here
      {others > 0 ? ` and in ${counted(others, 'other place')}` : ' and nowhere else'}.
    </p>
    <button class='btn quiet'>Sign out everywhere else</button>
  </form>
)

export const ExportLink = () => (
  <section class='card door'>
    <h2>Your data</h2>
    <p>
      Your profile, posts, likes, who you follow and who follows you, in one JSON file. You can
      download it three times an hour.
    </p>
    <a class='btn quiet' href='/account/export'>
      Download your data
    </a>
  </section>
)

export const ReportsLink = () => (
  <section class='card door'>
    <h2>Reports</h2>
    <p>You are an operator: you read what people report.</p>
    <a class='btn quiet' href='/reports'>
      Read reports
    </a>
  </section>
)

export const DeleteForm = ({
  mailaddress,
  problems,
}: {
  mailaddress: string
  problems: Problems
}) => (
  <form class='card door' method='post' action='/account/delete'>
    <h2>Delete account</h2>
    <FormProblem>{problems['form']}</FormProblem>
    <p>Your profile, posts, likes and follows are deleted for good.</p>
    <Username mailaddress={mailaddress} />
    <Field
      id='farewell'
      name='farewell'
      label='Password'
      type='password'
      autocomplete='current-password'
      problem={problems['farewell']}
    />
    <button class='btn danger'>Delete my account</button>
  </form>
)
