// Prints aws.json. Run in this folder: node make-aws.mjs > aws.json
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
    if (algorithm === 'SHA256') {
      named('canned URL, hash not declared', 'bad-signature', canned.replace('&Hash-Algorithm=SHA256', ''))
    } else {
      named('canned URL, declared as SHA-256', 'bad-signature', `${canned}&Hash-Algorithm=SHA256`)
      named('canned URL, declared as SHA-1', 'allowed', `${canned}&Hash-Algorithm=SHA1`)
    }
  }
}
console.log(JSON.stringify(vectors, null, 1))
