import type { Child } from 'hono/jsx'

import { counted, fullTime } from '../../base/format.ts'
import { Field, FormProblem, PasswordField, Problem, refersTo } from '../../ui/field.tsx'

export type Problems = Record<string, string>

type FormProps = { path: `/${string}`; title: string; problem: string | undefined; children: Child }

/** A form of this page; `problem`: what is wrong with all of it. */
const Form = ({ path, title, problem, children }: FormProps) => (
  <form class='card door' method='post' action={path}>
    <h2>{title}</h2>
    <FormProblem>{problem}</FormProblem>
    {children}
  </form>
)

type ProfileProps = { name: string; bio: string; problems: Problems }

export const ProfileForm = ({ name, bio, problems }: ProfileProps) => (
  <Form path='/account/profile' title='Profile' problem={problems['form']}>
    <Field name='name' label='Name' kept value={name} problem={problems['name']} />
    <p class='field'>
      <label for='bio'>Bio</label>
      <textarea
        id='bio'
        name='bio'
        rows={3}
        data-draft='sent'
        {...refersTo('bio', problems['bio'])}
      >
        {bio}
      </textarea>
      <Problem of='bio'>{problems['bio']}</Problem>
    </p>
    <button class='btn'>Save</button>
  </Form>
)

type HandleProps = { handle: string; waitUntil: number | undefined; problems: Problems }

export const HandleForm = ({ handle, waitUntil, problems }: HandleProps) => (
  <Form
    path='/account/handle'
    title='Handle'
    problem={problems['form'] ?? (waitUntil === undefined ? undefined : problems['handle'])}
  >
    {waitUntil === undefined ? (
      <>
        <Field
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
  </Form>
)

/** Whose password it is: password managers read this, and Chromium's reads no `type=hidden`. */
const Username = ({ mailaddress }: { mailaddress: string }) => (
  <input type='text' name='username' value={mailaddress} autocomplete='username' hidden readonly />
)

type OwnerProps = { mailaddress: string; problems: Problems }

export const PasswordForm = ({ mailaddress, problems }: OwnerProps) => (
  <Form path='/account/password' title='Password' problem={problems['form']}>
    <Username mailaddress={mailaddress} />
    <PasswordField name='current' label='Current password' problem={problems['current']} />
    <PasswordField name='fresh' label='New password' isNew problem={problems['fresh']} />
    <p class='hint'>Changing it signs you out everywhere else.</p>
    <button class='btn'>Change password</button>
  </Form>
)

export const SessionsForm = ({ others, problems }: { others: number; problems: Problems }) => (
  <Form path='/account/sessions' title='Sessions' problem={problems['form']}>
    <p>
      You are signed in here
      {others > 0 ? ` and in ${counted(others, 'other place')}` : ' and nowhere else'}.
    </p>
    <button class='btn quiet'>Sign out everywhere else</button>
  </Form>
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

export const DeleteForm = ({ mailaddress, problems }: OwnerProps) => (
  <Form path='/account/delete' title='Delete account' problem={problems['form']}>
    <p>Your profile, posts, likes and follows are deleted for good.</p>
    <Username mailaddress={mailaddress} />
    <PasswordField name='farewell' label='Password' problem={problems['farewell']} />
    <button class='btn danger'>Delete my account</button>
  </Form>
)
