import { expect, test } from 'vitest'
import { carriersOf, type CarrierGate, type CarrierParts } from '../../src/signing/index.ts'

const all: Required<CarrierParts> = {
  query: 'Policy=q&Signature=s&Key-Pair-Id=k',
  token: { policy: 'p', signature: 's', keyId: 'k' },
  jwt: 'in.the.path',
  authorization: 'Bearer in.a.field',
  cookies:
    'two=t2; CloudFront-Policy=c; one=t1; CloudFront-Signature=s; CloudFront-Key-Pair-Id=k; CloudFront-Hash-Algorithm=SHA256',
}
const both: CarrierGate = { keyGroups: [1], issuers: [1, 2, 3], issuerCookies: () => ['one', 'two', 'one'] }

/** Kind, then each carrier as what it is of and by what way it came. */
function told(parts: Partial<CarrierParts>, gate = both): string[] {
  const carriers = carriersOf({ query: '', ...parts }, gate)
  const found = carriers.kind === 'chosen' ? [carriers.carrier] : carriers.read()
  const words = found.map(({ of, found }) =>
    'via' in found
      ? `${of} ${found.via} ${'text' in found ? found.text : ''}`.trimEnd()
      : `${of} ${found.kind}`,
  )
  return [carriers.kind, ...words]
}

test.each<[string, Partial<CarrierParts>, string[]]>([
  ['the query', all, ['chosen', 'policy query']],
  ['a path token', { ...all, query: 'a=1', jwt: undefined }, ['chosen', 'policy path']],
  [
    'a JSON Web Token in the path',
    { ...all, query: '', token: undefined },
    ['chosen', 'issuer path in.the.path'],
  ],
  [
    'a bearer token',
    { authorization: all.authorization, cookies: all.cookies },
    ['chosen', 'issuer authorization in.a.field'],
  ],
  ['cookies', { cookies: all.cookies }, ['cookies', 'policy cookie', 'issuer cookie t1', 'issuer cookie t2']],
  [
    'half a grant before whole ones',
    { ...all, query: 'Policy=q&Key-Pair-Id=k' },
    ['chosen', 'policy malformed'],
  ],
  ['nothing', { authorization: 'Basic x' }, ['cookies']],
])('%s: first the URL, then a bearer token, then every cookie', (_, parts, expected) => {
  expect(told(parts)).toEqual(expected)
})

test('a bearer token counts only where issuers are named, and their cookies are looked for only then', () => {
  const none: CarrierGate = { keyGroups: [1], issuers: [], issuerCookies: () => [] }
  expect(told({ authorization: all.authorization, cookies: all.cookies }, none)).toEqual([
    'cookies',
    'policy cookie',
  ])
})

test('where no key group is named, signed cookies stand back behind an issuer’s, and are told alone', () => {
  const tokensOnly = { ...both, keyGroups: [] }
  expect(told({ cookies: all.cookies }, tokensOnly)).toEqual([
    'cookies',
    'issuer cookie t1',
    'issuer cookie t2',
  ])
  expect(told({ cookies: 'CloudFront-Policy=c' }, tokensOnly)).toEqual(['cookies', 'policy keyless'])
})

test('cookies are not read before they are asked for', () => {
  const gate = {
    ...both,
    issuerCookies: (): string[] => {
      throw new Error('asked')
    },
  }
  const carriers = carriersOf({ query: '', cookies: all.cookies }, gate)
  expect(() => carriers.kind === 'cookies' && carriers.read()).toThrow('asked')
})
