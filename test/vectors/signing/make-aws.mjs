// Prints aws.json. Run in this folder: node make-aws.mjs > aws.json
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { getSignedCookies, getSignedUrl } from '@aws-sdk/cloudfront-signer'

const until = '2027-01-01T00:00:00Z'
const since = '2026-01-01T00:00:00Z'
const past = '2026-02-01T00:00:00Z'
const future = '2026-12-01T00:00:00Z'
const host = 'd111111abcdef8.cloudfront.net'
const film = `https://${host}/members/talk/index.m3u8`
const everything = resource =>
  JSON.stringify({ Statement: [{ Resource: resource, Condition: { DateLessThan: { 'AWS:EpochTime': 1798761600 } } }] })

const vectors = []
const add = (name, expect, url, cookies, more = {}) => {
  const [, scheme, authority, rawPath, query = ''] = /^(\w+):\/\/([^/]+)([^?]*)(?:\?(.*))?$/.exec(url)
  const request = { scheme, authority, rawPath, query, address: '192.0.2.7', action: 'view', ...more }
  vectors.push({ name, expect, ...request, ...(cookies && { cookies: text(cookies) }) })
}
const spki = { publicKeyEncoding: { type: 'spki', format: 'pem' }, privateKeyEncoding: { type: 'pkcs8', format: 'pem' } }
const strangers = {
  rsa2048: generateKeyPairSync('rsa', { modulusLength: 2048, ...spki }).privateKey,
  p256: generateKeyPairSync('ec', { namedCurve: 'prime256v1', ...spki }).privateKey,
}
const fromCloudFront = text => Buffer.from(text.replaceAll('-', '+').replaceAll('_', '=').replaceAll('~', '/'), 'base64')
const toCloudFront = bytes => bytes.toString('base64').replaceAll('+', '-').replaceAll('=', '_').replaceAll('/', '~')
/** With the lowest bit of the byte in the middle turned over. */
const flipped = text => {
  const bytes = fromCloudFront(text)
  bytes[bytes.length >> 1] ^= 1
  return toCloudFront(bytes)
}
const flip = (signed, name) => signed.replace(new RegExp(`(${name}=)([^&]+)`), (_all, start, value) => start + flipped(value))
const flipCookie = (cookies, name) => ({ ...cookies, [name]: flipped(cookies[name]) })
const pathToken = cookies =>
  `https://${host}/~${cookies['CloudFront-Policy']}.${cookies['CloudFront-Signature']}.${cookies['CloudFront-Key-Pair-Id']}`
const withoutResource = '{"Statement":[{"Condition":{"DateLessThan":{"AWS:EpochTime":1798761600}}}]}'
const text = cookies => Object.entries(cookies).map(([name, value]) => `${name}=${value}`).join('; ')

for (const [file, keyPairId] of [['rsa2048', 'KRSA2048'], ['p256', 'KP256']]) {
  const privateKey = readFileSync(`${file}.pem`, 'utf8')
  for (const algorithm of [undefined, 'SHA1', 'SHA256']) {
    const by = { keyPairId, privateKey, ...(algorithm && { algorithm }) }
    const named = (what, ...rest) => add(`${file}, ${algorithm ?? 'no algorithm'}: ${what}`, ...rest)
    const canned = getSignedUrl({ ...by, url: film, dateLessThan: until })
    named('canned URL', 'allowed', canned)
    named('canned URL, port of the viewer is not in the resource', 'allowed', canned.replace(host, `${host}:8443`))
    named('canned URL with low-latency directives added', 'allowed', `${canned}&_HLS_msn=7&_HLS_part=1&CMCD=bl%3D3`)
    named('canned URL on another path', 'bad-signature', canned.replace('/talk/', '/walk/'))
    named('canned URL over plain http', 'bad-signature', canned.replace('https:', 'http:'))
    named('canned URL with a parameter added', 'bad-signature', `${canned}&a=1`)
    named('canned URL with Expires moved', 'bad-signature', canned.replace('Expires=17', 'Expires=18'))
    named('canned URL without its key', 'missing', canned.replace(/&Key-Pair-Id=\w+/, ''))
    named('canned URL of an unknown key', 'unknown-key', canned.replace(keyPairId, 'KOTHER'))
    named('canned URL expired', 'expired', getSignedUrl({ ...by, url: film, dateLessThan: past }))
    named('canned URL with own parameters', 'allowed', getSignedUrl({ ...by, url: `${film}?size=large&license=yes`, dateLessThan: until }))
    const bound = { ...by, url: `${film}?size=large`, dateLessThan: until, dateGreaterThan: since, ipAddress: '192.0.2.0/24' }
    named('custom URL with every condition', 'allowed', getSignedUrl(bound))
    named('custom URL from another address', 'wrong-ip', getSignedUrl(bound), undefined, { address: '198.51.100.7' })
    named('custom URL from an address without range', 'allowed', getSignedUrl({ ...bound, ipAddress: '192.0.2.7' }))
    named('custom URL not valid yet', 'not-yet', getSignedUrl({ ...bound, dateGreaterThan: future }))
    named('custom URL with a given policy', 'allowed', getSignedUrl({ ...by, url: film, policy: everything(`https://${host}/members/talk/*`) }))
    named('custom URL for a neighbour', 'wrong-resource', getSignedUrl({ ...by, url: film, policy: everything(`https://${host}/members/tal/*`) }))
    named('custom cookies', 'allowed', film, getSignedCookies({ ...by, policy: everything('*://*/members/talk/*') }))
    named('custom cookies over plain http', 'allowed', film.replace('https', 'http'), getSignedCookies({ ...by, policy: everything('*://*/members/talk/*') }))
    named('cookies beside a signing parameter', 'missing', `${film}?Expires=1798761600`, getSignedCookies({ ...by, policy: everything('*') }))
    named('canned cookies', 'allowed', film, getSignedCookies({ ...by, url: film, dateLessThan: until }))
    named('canned cookies on another file', 'bad-signature', `https://${host}/members/talk/other`, getSignedCookies({ ...by, url: film, dateLessThan: until }))
    const stream = getSignedUrl({ ...by, url: 'rtmp://live.example.com:1935/live/stage', dateLessThan: until })
    const sent = `rtmp://live.example.com:1935/${stream}`
    named('stream name for publishing', 'allowed', sent, undefined, { action: 'publish' })
    named('stream name of another stream', 'bad-signature', sent.replace('stage', 'other'), undefined, { action: 'publish' })
    named('cookies of a viewer do not publish', 'wrong-action', 'rtmp://live.example.com/live/stage', getSignedCookies({ ...by, policy: everything('*') }), { action: 'publish' })
    const talk = everything(`https://${host}/members/talk/*`)
    const cookies = getSignedCookies({ ...by, policy: talk })
    const custom = getSignedUrl({ ...by, url: film, policy: talk })
    const stranger = { ...by, privateKey: strangers[file] }
    const token = pathToken(cookies)
    named('canned URL on another host', 'bad-signature', canned.replace(host, 'media.example.com'))
    named('canned URL with a flipped bit of its signature', 'bad-signature', flip(canned, 'Signature'))
    named('canned URL of a stranger', 'bad-signature', getSignedUrl({ ...stranger, url: film, dateLessThan: until }))
    named('canned URL under the id of the other key', 'bad-signature', canned.replace(keyPairId, keyPairId === 'KP256' ? 'KRSA2048' : 'KP256'))
    named('canned URL whose signature has a foreign character', 'malformed', canned.replace('Signature=', 'Signature=+'))
    named('canned URL with Policy too', 'malformed', `${canned}&${/Policy=[^&]+/.exec(custom)[0]}`)
    named('canned URL with Expires twice', 'malformed', `${canned}&Expires=1798761600`)
    named('custom URL', 'allowed', custom)
    named('custom URL on another host', 'wrong-resource', custom.replace(host, 'media.example.com'))
    named('custom URL with a flipped bit of its signature', 'bad-signature', flip(custom, 'Signature'))
    named('custom URL whose policy names another folder', 'bad-signature', custom.replace(/Policy=[^&]+/, `Policy=${toCloudFront(Buffer.from(talk.replace('talk', 'walk')))}`).replace('/talk/', '/walk/'))
    named('custom URL of a stranger', 'bad-signature', getSignedUrl({ ...stranger, url: film, policy: talk }))
    named('custom URL with two statements', 'malformed', getSignedUrl({ ...by, url: film, policy: JSON.stringify({ Statement: [...JSON.parse(talk).Statement, ...JSON.parse(talk).Statement] }) }))
    named('custom URL without Resource', 'malformed', getSignedUrl({ ...by, url: film, policy: withoutResource }))
    named('custom URL without Resource where the group accepts it', 'allowed', getSignedUrl({ ...by, url: film, policy: withoutResource }), undefined, { trust: { withoutResource: 'accept' } })
    named('custom URL from an IPv6 range', 'allowed', getSignedUrl({ ...by, url: film, policy: talk.replace('"DateLess', '"IpAddress":{"AWS:SourceIp":"2001:db8::/32"},"DateLess') }), undefined, { address: '2001:db8::7' })
    named('custom URL from outside an IPv6 range', 'wrong-ip', getSignedUrl({ ...by, url: film, policy: talk.replace('"DateLess', '"IpAddress":{"AWS:SourceIp":"2001:db8::/32"},"DateLess') }), undefined, { address: '2001:db9::7' })
    named('custom cookies on another host', 'wrong-resource', film.replace(host, 'media.example.com'), cookies)
    named('custom cookies for a neighbour', 'wrong-resource', film.replace('/talk/', '/talkshow/'), cookies)
    named('custom cookies with a flipped bit of their signature', 'bad-signature', film, flipCookie(cookies, 'CloudFront-Signature'))
    named('custom cookies of a stranger', 'bad-signature', film, getSignedCookies({ ...stranger, policy: talk }))
    named('custom cookies of an unknown key', 'unknown-key', film, { ...cookies, 'CloudFront-Key-Pair-Id': 'KOTHER' })
    named('custom cookies with CloudFront-Expires too', 'malformed', film, { ...cookies, 'CloudFront-Expires': 1798761600 })
    named('custom cookies of which one is lost', 'missing', film, { ...cookies, 'CloudFront-Key-Pair-Id': '' })
    named('custom cookies expired', 'expired', film, getSignedCookies({ ...by, policy: talk.replace('1798761600', '1769904000') }))
    named('canned cookies of a stranger', 'bad-signature', film, getSignedCookies({ ...stranger, url: film, dateLessThan: until }))
    named('custom path token', 'allowed', `${token}/members/talk/index.m3u8?a=1`)
    named('custom path token on another host', 'wrong-resource', `${token.replace(host, 'media.example.com')}/members/talk/index.m3u8`)
    named('custom path token for a neighbour', 'wrong-resource', `${token}/members/talkshow/index.m3u8`)
    named('custom path token with a flipped bit of its signature', 'bad-signature', `${pathToken(flipCookie(cookies, 'CloudFront-Signature'))}/members/talk/index.m3u8`)
    named('custom path token of a stranger', 'bad-signature', `${pathToken(getSignedCookies({ ...stranger, policy: talk }))}/members/talk/index.m3u8`)
    named('custom path token of an unknown key', 'unknown-key', `${token.replace(`.${keyPairId}`, '.KOTHER')}/members/talk/index.m3u8`)
    const strict = { trust: { sha1: 'refuse' } }
    const hashed = algorithm === 'SHA256' ? 'allowed' : 'weak-hash'
    named('canned URL where the group refuses SHA-1', hashed, canned, undefined, strict)
    named('custom cookies where the group refuses SHA-1', hashed, film, cookies, strict)
    named('custom path token where the group refuses SHA-1', hashed, `${token}/members/talk/index.m3u8`, undefined, strict)
    if (algorithm === 'SHA256') {
      named('custom cookies, hash not declared', 'bad-signature', film, { ...cookies, 'CloudFront-Hash-Algorithm': 'SHA1' })
      named('canned URL, hash not declared', 'bad-signature', canned.replace('&Hash-Algorithm=SHA256', ''))
    } else {
      named('canned URL, declared as SHA-256', 'bad-signature', `${canned}&Hash-Algorithm=SHA256`)
      named('canned URL, declared as SHA-1', 'allowed', `${canned}&Hash-Algorithm=SHA1`)
    }
  }
}
console.log(JSON.stringify(vectors, null, 1))
