export default function Page() {
  return (
    <>
      <h1>Members’ site</h1>
      <form method="post" action="/login">
        <label>
          User <input name="user" autoComplete="username" required />
        </label>
        <label>
          Password <input name="password" type="password" autoComplete="current-password" required />
        </label>
        <button>Log in</button>
      </form>
      <form method="post" action="/logout">
        <button>Log out</button>
      </form>
      <a href="/download">Download</a>
    </>
  )
}
