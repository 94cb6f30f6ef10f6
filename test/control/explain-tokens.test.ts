import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ExplainRequest } from '../../src/client/index.ts'
import { explain } from '../../src/control/explain.ts'
import { instant, type IssuerId } from '../../src/core/index.ts'
import type { Snapshot } from '../../src/distribution/index.ts'
import { EdgeBench, snapshotOf } from '../delivery/edge-bench.ts'
import { grantFor } from '../delivery/grants.ts'
import { rawGet } from '../delivery/raw-get.ts'
import { AUDIENCE, encoded, ISSUER, issuerOf, tokenKey, tokenOf } from '../signing/tokens.ts'

const PATH = '/members/talk/index.m3u8'
const SOON = Math.floor(Date.now() / 1000) + 600
const key = tokenKey('ES256', 'es')
const stranger = tokenKey('ES256', 'es')
const other = tokenKey('EdDSA', 'ed')

/** Two issuers of one name; `second` has other keys, another audience, claim and cookie. */
const first = issuerOf([key])
const second = issuerOf([other, key], {
  ...{ id: 'iss-second' as IssuerId, name: 'second', audience: 'two', claim: 'films', cookie: 'two-token' }, // a test's own id
  algorithms: ['EdDSA', 'ES256'],
})

/** The behaviour names them in the other order than the site lists them: the behaviour's counts. */
function trusting(beside: 'key group' | 'nothing'): Snapshot {
  const snapshot = snapshotOf({ issuers: [first, second] })
  return {
    ...snapshot,
    distributions: snapshot.distributions.map(distribution => ({
      ...distribution,
      behaviours: distribution.behaviours.map(behaviour => ({
        ...behaviour,
        gate: behaviour.gate && {
          keyGroups: beside === 'nothing' ? [] : behaviour.gate.keyGroups,
          issuers: [second.id, first.id],
        },
      })),
    })),
  }
}

const claims = (more: object = {}): object => ({
  ...{ iss: ISSUER, aud: AUDIENCE, exp: SOON, paths: ['/members/talk/*'], films: ['/members/talk/*'] },
  ...more,
})
const good = tokenOf(key, claims())
const late = tokenOf(key, claims({ exp: 1 }))
const forged = tokenOf(stranger, claims())
const signed = (resource: string): string => grantFor(resource).cookie
const OPENS = 'http://*/members/talk/*'

interface Row {
  path?: string
  authorization?: string
  cookie?: string
}

let bench: EdgeBench
beforeAll(async () => {
  bench = await EdgeBench.start((_request, response) => response.end('film'))
})
afterAll(() => bench.close())

/** What the edge says, and that `explain` says it too. */
async function said(row: Row, site: Snapshot): Promise<string> {
  const { path = PATH, authorization, cookie } = row
  bench.node.apply(site)
  const answer = await rawGet(bench.url, path, {
    headers: {
      ...(authorization !== undefined && { Authorization: authorization }),
      ...(cookie !== undefined && { Cookie: cookie }),
    },
  })
  const edge = answer.status === 200 ? 'allowed' : `refused ${String(answer.headers['x-sluice-reason'])}`
  const asked: ExplainRequest = {
    ...{ url: `${bench.url}${path}`, address: '127.0.0.1' },
    ...(authorization !== undefined && { authorization }),
    ...(cookie !== undefined && { cookie }),
  }
  const { verdict, reason } = await explain(asked, site, instant(Date.now()))
  expect(reason === null ? verdict : `${verdict} ${reason}`).toBe(edge)
  return edge
}

const CARRIED: [string, (token: string) => Row][] = [
  ['the path', token => ({ path: `/~${token}${PATH}` })],
  ['Authorization', token => ({ authorization: `Bearer ${token}` })],
  ['the cookie of its issuer', token => ({ cookie: `a=b; sluice-token=${token}` })],
  ['the cookie of another issuer', token => ({ cookie: `two-token=${token}` })],
]

describe.each(CARRIED)('explain says what an edge says of a token in %s', (_, carried) => {
  it.each<[string, string, string]>([
    ['that opens', good, 'allowed'],
    ['of the other issuer of its name', tokenOf(other, claims({ aud: 'two' })), 'allowed'],
    ['by a key of both, for the other', tokenOf(key, claims({ aud: 'two' })), 'allowed'],
    ['that is over', late, 'refused wrong-resource'],
    ['that begins later', tokenOf(key, claims({ nbf: SOON })), 'refused wrong-resource'],
    ['for nobody', tokenOf(key, claims({ aud: 'three' })), 'refused wrong-resource'],
    ['for another film', tokenOf(key, claims({ paths: ['/members/show/*'] })), 'refused wrong-resource'],
    ['that is over, for the first', tokenOf(other, claims({ aud: 'two', exp: 1 })), 'refused expired'],
    [
      'that begins later, for the first',
      tokenOf(other, claims({ aud: 'two', nbf: SOON })),
      'refused not-yet',
    ],
    ['that another key signed', forged, 'refused bad-signature'],
    ['of a stranger', tokenOf(key, claims({ iss: 'https://evil.example' })), 'refused unknown-key'],
    ['with an unknown kid', tokenOf(key, claims(), { kid: 'none' }), 'refused unknown-key'],
    ['with an algorithm of nobody', tokenOf(key, claims(), { alg: 'HS256' }), 'refused unknown-key'],
    ['with a key of its own', tokenOf(key, claims(), { jwk: key.jwk }), 'refused unknown-key'],
    ['with a bad claim for the first', tokenOf(key, claims({ films: 7 })), 'allowed'],
    ['with bad claims for both', tokenOf(key, claims({ films: 7, paths: 7 })), 'refused malformed'],
    [
      'with bad claims, that another key signed',
      tokenOf(stranger, claims({ films: 7, paths: 7 })),
      'refused malformed',
    ],
    [
      'with bad claims and an unknown kid',
      tokenOf(key, claims({ films: 7, paths: 7 }), { kid: 'none' }),
      'refused malformed',
    ],
    ['without an end', tokenOf(key, claims({ exp: undefined })), 'refused malformed'],
    ['that has nothing but a header', `${encoded({ alg: 'ES256' })}.e30.AA`, 'refused malformed'],
  ])('%s', async (_what, token, verdict) => {
    expect(await said(carried(token), trusting('key group'))).toBe(verdict)
  })
})

describe('explain says what an edge says of several carriers', () => {
  const query = (resource: string): string => `${PATH}?${grantFor(resource).query}`
  it.each<[string, Row, string]>([
    [
      'a signed URL before a token',
      { path: query('http://*/x'), authorization: `Bearer ${good}` },
      'refused wrong-resource',
    ],
    [
      'a path token before a bearer',
      { path: `/~${late}${PATH}`, authorization: `Bearer ${good}` },
      'refused wrong-resource',
    ],
    [
      'a bearer before cookies',
      { authorization: `Bearer ${forged}`, cookie: signed(OPENS) },
      'refused bad-signature',
    ],
    [
      'an empty bearer before cookies',
      { authorization: 'Bearer', cookie: signed(OPENS) },
      'refused malformed',
    ],
    ['another scheme beside cookies', { authorization: 'Basic YTpi', cookie: signed(OPENS) }, 'allowed'],
    [
      'signed cookies that open beside a bad token',
      { cookie: `sluice-token=${forged}; ${signed(OPENS)}` },
      'allowed',
    ],
    [
      'signed cookies of others beside a good token',
      { cookie: `${signed('http://*/x')}; sluice-token=${good}` },
      'allowed',
    ],
    [
      'neither cookie: the signed ones are told',
      { cookie: `sluice-token=${forged}; ${signed('http://*/x')}` },
      'refused wrong-resource',
    ],
    [
      'half a signed cookie beside a good token',
      { cookie: `CloudFront-Policy=a; sluice-token=${good}` },
      'allowed',
    ],
    [
      'two cookies of issuers, the second opens',
      { cookie: `two-token=${forged}; sluice-token=${good}` },
      'allowed',
    ],
    [
      'neither of the issuers’ cookies: the first issuer’s',
      { cookie: 'sluice-token=x; two-token=' + forged },
      'refused bad-signature',
    ],
    ['one cookie twice', { cookie: `two-token=${forged}; two-token=${good}` }, 'refused malformed'],
    [
      'one cookie twice beside a good one',
      { cookie: `two-token=a; two-token=b; sluice-token=${good}` },
      'allowed',
    ],
    ['nothing', {}, 'refused missing'],
  ])('%s', async (_, row, verdict) => {
    expect(await said(row, trusting('key group'))).toBe(verdict)
  })

  it.each<[string, Row, string]>([
    [
      'signed cookies beside a bad token',
      { cookie: `${signed(OPENS)}; sluice-token=x` },
      'refused malformed',
    ],
    ['signed cookies alone', { cookie: signed(OPENS) }, 'refused unknown-key'],
    ['a signed URL', { path: query(OPENS), cookie: `sluice-token=${good}` }, 'refused unknown-key'],
  ])('%s, where no key group is named', async (_, row, verdict) => {
    expect(await said(row, trusting('nothing'))).toBe(verdict)
  })
})
