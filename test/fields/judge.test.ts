import { describe, expect, test } from 'vitest'
import type { EncryptionId } from '../../src/core/index.ts'
import type { FieldEncryption } from '../../src/distribution/index.ts'
import { judge, LONGEST_FORM, type FormHead } from '../../src/fields/index.ts'
import { Recipient } from './recipient.ts'

const FORM = 'application/x-www-form-urlencoded'
const recipient = new Recipient()
const usual = recipient.profile('card')
const other = recipient.profile('name')

const ENCRYPTION: FieldEncryption = {
  id: 'C1' as EncryptionId, // a test's own
  byQuery: { unknown: 'reject', profiles: [{ argument: 'Other%20.1', profile: other }] },
  byContentType: { unknown: 'reject', profiles: [{ contentType: FORM, profile: usual }] },
}

function judged(head: Partial<FormHead>, change: Partial<FieldEncryption> = {}): unknown {
  const usual = { method: 'POST', contentTypes: [FORM], coding: undefined, length: undefined, query: '' }
  return judge({ ...usual, ...head }, { ...ENCRYPTION, ...change })
}

const byUsual = { kind: 'encrypt', profile: usual }
const refused = (status: string): object => ({ kind: 'refuse', status })
const forwarded = (status: string): object => ({ kind: 'forward', status })
const forwarding = { ...ENCRYPTION.byContentType, unknown: 'forward' } as const

describe('a form', () => {
  test.each<Partial<FormHead>>([
    {},
    { method: 'PUT' },
    { contentTypes: [`${FORM}; charset=UTF-8`] },
    { contentTypes: [' Application/X-WWW-Form-URLEncoded ;'] },
    { coding: 'identity' },
    { length: LONGEST_FORM },
    { query: 'a=1&fle=2&x-fle-profile=3' },
  ])('is encrypted by the profile of its content type: %j', head => {
    expect(judged(head)).toEqual(byUsual)
  })

  test('is encrypted by the profile that its query names, whatever its content type has', () => {
    const query = 'a=1&fle-profile=Other%20.1&b=2'
    expect(judged({ query })).toEqual({ kind: 'encrypt', profile: other })
    for (const profiles of [[], [{ contentType: FORM } as const]])
      expect(judged({ query }, { byContentType: { unknown: 'forward', profiles } })).toEqual({
        ...{ kind: 'encrypt', profile: other },
      })
  })

  test('goes on as it is where its content type has no profile', () => {
    const byContentType = { unknown: 'reject', profiles: [{ contentType: FORM }] } as const
    expect(
      judged({}, { byContentType: { ...byContentType, profiles: [...byContentType.profiles] } }),
    ).toEqual(forwarded('ForwardedDueToNoProfile'))
  })

  test.each(['GET', 'HEAD', 'OPTIONS', 'PATCH', 'DELETE'])('is none by %s', method => {
    expect(judged({ method, contentTypes: ['rubbish'] })).toEqual({ kind: 'untouched' })
  })
})

describe('what is no form that is known', () => {
  const strange = [['application/json'], ['multipart/form-data; boundary=x'], []]
  test.each(strange)('is refused or goes on, as the configuration says: %s', (...contentTypes) => {
    const query = 'fle-profile=unknown'
    for (const head of [{ contentTypes }, { contentTypes, query }]) {
      expect(judged(head)).toEqual(refused('RejectedByContentType'))
      expect(judged(head, { byContentType: forwarding })).toEqual(forwarded('ForwardedByContentType'))
    }
  })

  test('is a form, too, where no form is configured', () => {
    const none = (unknown: 'forward' | 'reject'): unknown =>
      judged({}, { byContentType: { unknown, profiles: [] } })
    expect([none('forward'), none('reject')]).toEqual([
      forwarded('ForwardedByContentType'),
      refused('RejectedByContentType'),
    ])
  })

  test('is a profile that the query names and nobody knows', () => {
    const query = 'fle-profile=unknown'
    expect(judged({ query })).toEqual(refused('RejectedByQueryArgs'))
    expect(judged({ query }, { byQuery: { ...ENCRYPTION.byQuery, unknown: 'forward' } })).toEqual(
      forwarded('ForwardedByQueryArgs'),
    )
  })
})

describe('what cannot be read', () => {
  test.each([
    [['']],
    [['application']],
    [[`${FORM}, text/plain`]],
    [['text plain/x']],
    [[FORM, 'text/plain']],
  ])('is a content type: %j', contentTypes => {
    expect(judged({ contentTypes }, { byContentType: forwarding })).toEqual(
      refused('MalformedContentTypeClientError'),
    )
  })

  const queries = ['fle-profile=', 'fle-profile', 'a&fle-profile=x%2&b', 'fle-profile=a b', 'fle-profile=a=b']
  test.each([...queries, `fle-profile=${'x'.repeat(129)}`, 'fle-profile=a&fle-profile=a'])(
    'is the name of a profile: %s',
    query => {
      const byQuery = { ...ENCRYPTION.byQuery, unknown: 'forward' } as const
      expect(judged({ query }, { byQuery })).toEqual(refused('MalformedQueryArgsClientError'))
    },
  )

  test.each(['gzip', 'identity, br'])('is a form that is packed: %s', coding => {
    expect(judged({ coding })).toEqual(refused('MalformedInputClientError'))
  })

  test('is a form that says at once that it is too long', () => {
    expect(judged({ length: LONGEST_FORM + 1 })).toEqual(refused('RequestLengthLimitClientError'))
  })
})
