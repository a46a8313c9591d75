// One page with both forms, as in the original application.
import type { Context } from 'hono'

import { addressOf, demoPassword } from '../../demo/accounts.ts'
import { clientKind, type Env } from '../../http/context.ts'
import { render } from '../../ui/answer.ts'
import { DraftFields, draftIn, type Draft } from '../../ui/drafts.tsx'
import { Field, FormProblem, PasswordField } from '../../ui/field.tsx'
import { Face } from '../../ui/icon.tsx'
import { page } from '../../ui/layout.tsx'

export type Shown = {
  given?: Record<string, string>
  problem?: string | undefined
  problems?: Record<string, string>
  at?: 'login' | 'register'
  next?: string | undefined
  /** The token of an invitation, which lets its owner sign up. */
  invitation?: string | undefined
}

/** The form that was refused, as a partial for htmx, else on its page. */
export async function formAgain(c: Context<Env>, shown: Shown): Promise<Response> {
  if (clientKind(c) !== 'partial') return loginPage(c, shown)
  const draft = await draftIn(c)
  const Form = shown.at === 'register' ? RegisterForm : LoginForm
  return render(c, <Form {...shown} draft={draft} rules={c.var.settings.site.rules} />)
}

export async function loginPage(c: Context<Env>, shown: Shown): Promise<Response> {
  const draft = await draftIn(c)
  const { next, at = 'login' } = shown
  const shownAt = (form: 'login' | 'register') => ({ next, draft, ...(form === at && shown) })
  // The first one is what somebody came for: on a phone it is in sight at once.
  const doors = {
    login: <LoginForm {...shownAt('login')} />,
    register:
      c.var.settings.REGISTRATION === 'open' || shown.invitation ? (
        <RegisterForm {...shownAt('register')} rules={c.var.settings.site.rules} />
      ) : (
        <p class='card'>Registration is closed here.</p>
      ),
  }
  const demo = c.var.settings.demo && <DemoAccounts next={next} draft={draft} />
  return page(
    c,
    {
      title: 'Login',
      description: 'Log in or sign up to read and write.',
      canonical: '/login',
      ...((draft || shown.given || shown.invitation) && { private: '/login' }),
    },
    <>
      <h1>{at === 'register' ? 'Sign up' : 'Log in'}</h1>
      {draft && (
        <p class='card' role='status'>
          You are not signed in. Your words are safe: log in, and you find them in the form again.
        </p>
      )}
      {shown.invitation && (
        <p class='card' role='status'>
          You are invited: with this link, one person can sign up.
        </p>
      )}
      {at === 'login' && demo}
      <div class='doors'>
        {doors[at]}
        {doors[at === 'login' ? 'register' : 'login']}
      </div>
      {at === 'register' && demo}
    </>,
  )
}

type Form = Shown & { draft: Draft | undefined; rules?: string | undefined }

const LoginForm = ({ given, problem, problems = {}, next, draft }: Form) => {
  // Which of the two is wrong is not said; the password has to be typed anew.
  const wrong = problems['mailaddress'] === undefined ? 'password' : 'mailaddress'
  return (
    <form id='login-form' class='card door' method='post' action='/login'>
      <h2>Log in</h2>
      <FormProblem of={wrong}>{problem}</FormProblem>
      <Field
        name='mailaddress'
        label='Email address'
        type='email'
        autocomplete='username'
        value={given?.['mailaddress']}
        problem={wrong === 'mailaddress' ? problem : undefined}
        saidAbove
      />
      <PasswordField
        name='password'
        label='Password'
        problem={wrong === 'password' ? problem : undefined}
        saidAbove
      />
      {next && <input type='hidden' name='next' value={next} />}
      <DraftFields draft={draft} />
      <button class='btn'>Log in</button>
    </form>
  )
}

const RegisterForm = ({ given, problem, problems = {}, next, invitation, draft, rules }: Form) => (
  <form id='register-form' class='card door' method='post' action='/register'>
    <h2>Sign up</h2>
    <FormProblem>{problem}</FormProblem>
    <Field
      id='reg-name'
      name='name'
      label='Name'
      value={given?.['name']}
      problem={problems['name']}
    />
    <Field
      id='reg-handle'
      name='handle'
      label='Handle'
      optional
      hint='a to z, digits and _; made from your name if you leave it empty'
      autocomplete='off'
      value={given?.['handle']}
      problem={problems['handle']}
    />
    <Field
      id='reg-mailaddress'
      name='mailaddress'
      label='Email address'
      type='email'
      autocomplete='email'
      value={given?.['mailaddress']}
      problem={problems['mailaddress']}
    />
    <PasswordField
      id='reg-password'
      name='password'
      label='Password'
      isNew
      hint='8 characters or more'
      problem={problems['password']}
    />
    {next && <input type='hidden' name='next' value={next} />}
    {rules && (
      <details>
        <summary>Who signs up agrees to the rules</summary>
        <p class='msg' dir='auto'>
          {rules}
        </p>
      </details>
    )}
    {invitation && <input type='hidden' name='invitation' value={invitation} />}
    <DraftFields draft={draft} />
    <button class='btn'>Sign up</button>
  </form>
)

const demoPeople = [
  { number: 1, name: 'Mara, ferry captain' },
  { number: 3, name: 'Ines, baker' },
  { number: 10, name: 'Nell, librarian' },
  { number: 100, name: 'The Bench' },
]

const DemoAccounts = ({ next, draft }: Pick<Form, 'next' | 'draft'>) => (
  <section class='demo' aria-labelledby='demo-title'>
    <h2 id='demo-title'>Just looking? Come in as somebody from town</h2>
    <div class='row'>
      {demoPeople.map(({ number, name }) => (
        <form method='post' action='/login'>
          <input type='hidden' name='mailaddress' value={addressOf(number)} />
          <input type='hidden' name='password' value={demoPassword} />
          {next && <input type='hidden' name='next' value={next} />}
          <DraftFields draft={draft?.author === String(number) ? draft : undefined} />
          <button class='btn quiet'>
            <Face id={number} /> {name}
          </button>
        </form>
      ))}
    </div>
    <p class='small'>
      This is a demo: <code>{addressOf(1)}</code> to <code>{addressOf(100)}</code>, password{' '}
      <code>{demoPassword}</code>.
    </p>
  </section>
)
