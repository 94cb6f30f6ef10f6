/** A redirect that sets cookies, one header line for each: joined by commas, browsers would read one cookie. */
export function redirect(to, cookieLines = []) {
  const headers = new Headers({ Location: to, 'Cache-Control': 'no-store' })
  for (const line of cookieLines) headers.append('Set-Cookie', line)
  return new Response(null, { status: 303, headers })
}

/** A sentence and nothing else. */
export function refuse(status, sentence) {
  return new Response(`${sentence}\n`, { status, headers: { 'Cache-Control': 'no-store' } })
}
