import { counted } from '../../format.ts'

export type Problems = Record<string, string>

const Problem = ({ id, children }: { id: string; children: string | undefined }) =>
  children ? (
    <span class='problem' id={id} role='alert'>
      {children}
    </span>
  ) : (
    <></>
  )

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
    <p class='field'>
      <label for='name'>Name</label>
      <input
        type='text'
        id='name'
        name='name'
        value={name}
        required
        autocomplete='name'
        aria-describedby='name-problem'
      />
      <Problem id='name-problem'>{problems['name']}</Problem>
    </p>
    <p class='field'>
      <label for='bio'>Bio</label>
      <textarea id='bio' name='bio' rows={3} aria-describedby='bio-problem'>
        {shown}
      </textarea>
      <Problem id='bio-problem'>{problems['bio']}</Problem>
    </p>
    <button class='btn'>Save</button>
  </form>
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
    <input type='hidden' name='username' value={mailaddress} autocomplete='username' />
    <p class='field'>
      <label for='current'>Current password</label>
      <input
        id='current'
        name='current'
        type='password'
        required
        autocomplete='current-password'
        aria-describedby='current-problem'
      />
      <Problem id='current-problem'>{problems['current']}</Problem>
    </p>
    <p class='field'>
      <label for='fresh'>New password</label>
      <input
        id='fresh'
        name='fresh'
        type='password'
        required
        autocomplete='new-password'
        aria-describedby='fresh-problem'
      />
      <Problem id='fresh-problem'>{problems['fresh']}</Problem>
    </p>
    <p class='hint'>Changing it signs you out everywhere else.</p>
    <button class='btn'>Change password</button>
  </form>
)

export const SessionsForm = ({ others }: { others: number }) => (
  <form class='card door' method='post' action='/account/sessions'>
    <h2>Sessions</h2>
    <p>
      You are signed in here
      {others > 0 ? ` and in ${counted(others, 'other place')}` : ' and nowhere else'}.
    </p>
    <button class='btn quiet'>Sign out everywhere else</button>
  </form>
)

export const DeleteForm = ({ problems }: { problems: Problems }) => (
  <form class='card door' method='post' action='/account/delete'>
    <h2>Delete account</h2>
    <p>Your profile, tweets, likes and follows are deleted for good.</p>
    <p class='field'>
      <label for='farewell'>Password</label>
      <input
        id='farewell'
        name='farewell'
        type='password'
        required
        autocomplete='current-password'
        aria-describedby='farewell-problem'
      />
      <Problem id='farewell-problem'>{problems['farewell']}</Problem>
    </p>
    <button class='btn danger'>Delete my account</button>
  </form>
)
