const escape = text => String(text).replace(/[&<>"']/g, c => `&#${c.charCodeAt(0)};`)

/** The one page of the site. Everybody gets the player; who is no member is refused by the media server. */
export function page({ user, film, problem }) {
  const door =
    user === undefined
      ? `<form method="post" action="/login">
      <label>User <input name="user" autocomplete="username" required></label>
      <label>Password <input name="password" type="password" autocomplete="current-password" required></label>
      <button>Log in</button>
    </form>`
      : `<form method="post" action="/logout">Welcome, ${escape(user)}. <button>Log out</button></form>`
  return `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Members' site</title>
    <link rel="stylesheet" href="/style.css">
    <script src="/hls.js" defer></script>
    <script src="/player.js" defer></script>
  </head>
  <body>
    <h1>Members' site</h1>
    ${problem === undefined ? '' : `<p role="alert">${escape(problem)}</p>`}
    ${door}
    <video controls playsinline muted data-film="${escape(film)}"></video>
    <p id="state" role="status"></p>
  </body>
</html>
`
}
