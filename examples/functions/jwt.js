// viewer-request, cloudfront-js-2.0 with a key value store: a JSON Web Token in ?jwt= is checked by the secret `jwt.secret`
// of the store, and goes no further.
import cf from 'cloudfront'
import crypto from 'crypto'

const store = cf.kvs()

function claimsOf(token, secret) {
  const [head, body, signature] = String(token).split('.')
  if (!head || !body || !signature) return undefined
  const decoded = JSON.parse(Buffer.from(head, 'base64url').toString())
  if (decoded.alg !== 'HS256') return undefined
  const expected = crypto
    .createHmac('sha256', secret)
    .update(head + '.' + body)
    .digest('base64url')
  if (!isSame(expected, signature)) return undefined
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString())
  const now = Date.now() / 1000
  return (claims.nbf && claims.nbf > now) || (claims.exp && claims.exp < now) ? undefined : claims
}

// Takes as long wherever they differ.
function isSame(one, other) {
  if (one.length !== other.length) return false
  let difference = 0
  for (let at = 0; at < one.length; at++) difference |= one.charCodeAt(at) ^ other.charCodeAt(at)
  return difference === 0
}

async function handler(event) {
  const request = event.request
  const denied = { statusCode: 401, statusDescription: 'Unauthorized' }
  const token = request.querystring.jwt
  if (!token) return denied
  try {
    if (!claimsOf(token.value, await store.get('jwt.secret'))) return denied
  } catch {
    return denied
  }
  delete request.querystring.jwt
  return request
}
