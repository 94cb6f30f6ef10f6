import type { ExplainedCheck, Explanation } from '../client/index.ts'
import { printable } from './printable.ts'

/** An explanation for people: the verdict first, then what led to it. */
export function explanationText(told: Explanation): string {
  const { verdict, reason, detail } = told
  const word = verdict === 'refused' && reason !== null ? `refused, ${reason}` : verdict
  const rows: [string, string[]][] = [
    ['asked', [`${told.action === 'view' ? 'to read' : 'to publish at'} ${told.url}`]],
    ['clock', [`${told.clock} (control's)`]],
    ...placeRows(told),
    ...grantRows(told),
    ['checks', told.checks.map(checkLine)],
    ['cache key', cacheLines(told)],
  ]
  const body = rows
    .filter(([, lines]) => lines.length > 0)
    .flatMap(([name, lines]) =>
      lines.map((line, at) => `${(at === 0 ? name : '').padEnd(14)}${line}`.trimEnd()),
    )
  return printable([`${word}: ${detail}`, '', ...body].join('\n'))
}

function placeRows({ distribution, path, behaviours, channel, gate }: Explanation): [string, string[]][] {
  const widest = Math.max(0, ...behaviours.map(each => each.pattern.length))
  const by = distribution?.by === 'name' ? 'by its name' : 'the fallback: no other has this name'
  return [
    ['distribution', distribution ? [`${distribution.id} ${distribution.domain} (${by})`] : []],
    ['path', [path.canonical ?? `cannot be made canonical: ${path.bad ?? 'not read'}`]],
    [
      'behaviours',
      behaviours.map(({ pattern, gated, chosen, matches }) => {
        const mark = chosen ? '  <- the first that matches' : matches ? '  matches too, but comes later' : ''
        return `${pattern.padEnd(widest)}  ${gated ? 'signed requests' : 'open'.padEnd(15)}${mark}`
      }),
    ],
    ['channel', channel ? [`${channel.path}${channel.exists ? '' : ', which does not exist'}`] : []],
    ['gate', gate ? gateLines(gate) : []],
  ]
}

function gateLines({ keyGroups, issuers }: NonNullable<Explanation['gate']>): string[] {
  return [
    ...keyGroups.map(
      ({ name, keys }) => `key group ${name}: ${keys.length === 0 ? 'no keys' : keys.join(', ')}`,
    ),
    ...issuers.map(({ name, issuer }) => `issuer ${name}: ${issuer}`),
  ]
}

const CARRIERS = { query: 'the URL', path: 'a path token', cookie: 'cookies', authorization: 'Authorization' }
const KINDS = { custom: 'custom policy', canned: 'canned policy', token: 'JSON Web Token' }
const HASHES = { sha1: 'SHA-1', sha256: 'SHA-256', either: 'SHA-256 or SHA-1' }

function grantRows({ carrier, key, policy, token, gate }: Explanation): [string, string[]][] {
  const carried = carrier
    ? [CARRIERS[carrier.via], KINDS[carrier.kind], carrier.hash === null ? '' : HASHES[carrier.hash]]
    : ['nothing of the request']
  const of = key?.name === null ? 'which nobody here knows' : `"${key?.name}" of ${key?.groups.join(', ')}`
  return [
    ['carrier', gate ? [carried.filter(Boolean).join(', ')] : []],
    ['key', key ? [`${key.id}, ${of}`] : []],
    ['policy', policy === null ? [] : dated(JSON.stringify(policy, null, 2)).split('\n')],
    ['token', token ? tokenLines(token) : []],
  ]
}

function tokenLines({
  algorithm,
  keyId,
  trustedIssuer,
  claims,
}: NonNullable<Explanation['token']>): string[] {
  return [
    `${algorithm ?? 'no algorithm'}, ${keyId === null ? 'no key named' : `key ${keyId}`}, ${trustedIssuer === null ? 'of no issuer that is trusted here' : `issuer ${trustedIssuer}`}`,
    ...dated(JSON.stringify(claims, null, 2)).split('\n'),
  ]
}

/** Unix seconds are for machines. */
function dated(json: string): string {
  return json.replace(
    /("(?:AWS:EpochTime|exp|nbf|iat)": (\d{9,11}))(,?)$/gm,
    (_, field: string, seconds: string, comma: string) =>
      `${field}${comma}  <- ${new Date(Number(seconds) * 1000).toISOString().replace('.000Z', 'Z')}`,
  )
}

const MARK: Record<ExplainedCheck['verdict'], string> = {
  holds: 'ok     ',
  fails: 'FAILS  ',
  unknown: 'unknown',
}

/** What each question is about, for people; the word of the reason stands beside it where it counts. */
const ABOUT: Record<string, string> = {
  missing: 'grant',
  malformed: 'form',
  'unknown-key': 'key',
  'weak-hash': 'digest',
  'bad-signature': 'signature',
  'wrong-resource': 'resource',
  'wrong-action': 'action',
  expired: 'end',
  'not-yet': 'begin',
  'wrong-ip': 'address',
}

function checkLine({ check, verdict, detail }: ExplainedCheck): string {
  const about = ABOUT[check] ?? check
  const word = verdict === 'fails' && about !== check ? ` (${check})` : ''
  return `${MARK[verdict]} ${about}${word}: ${detail}`
}

function cacheLines({ cache }: Explanation): string[] {
  if (!cache) return []
  const query = cache.query === '' ? 'no query' : `query ${cache.query}`
  const headers = cache.headers.length === 0 ? '' : `, headers ${cache.headers.join(', ')}`
  return [`${cache.distribution}, ${cache.path}, ${query}${headers}: all viewers of these share one object`]
}
