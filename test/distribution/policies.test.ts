import { describe, expect, test } from 'vitest'
import { reader, type PolicyId } from '../../src/core/index.ts'
import {
  BehaviourInput,
  MANAGED_POLICIES,
  PolicyInput,
  settlePolicy,
  type Behaviour,
  type Policy,
} from '../../src/distribution/index.ts'
import { around, problemsOf, settled } from './around.ts'

const ID = 'p-1' as PolicyId // a test's own

function made(says: object, name = 'mine', id = ID): Policy {
  const input = reader(PolicyInput, 'the policy')({ name, says })
  const outcome = settlePolicy(input, id, ['login-token'])
  if (outcome.kind !== 'good') throw new Error(outcome.problems.join())
  return outcome.policy
}

function wrong(says: object, name = 'mine'): string[] {
  const outcome = settlePolicy(reader(PolicyInput, 'the policy')({ name, says }), ID, ['login-token'])
  return outcome.kind === 'bad' ? outcome.problems : []
}

describe('a policy', () => {
  test.each([
    [
      { kind: 'cache' },
      {
        kind: 'cache',
        ttl: { minimum: 0, default: 86_400, maximum: 31_536_000 },
        ...{ query: 'none', headers: [], keyedCookies: 'none', acceptEncoding: ['br', 'gzip'] },
      },
    ],
    [
      { kind: 'origin-request', told: ['CloudFront-Viewer-Country'] },
      {
        kind: 'origin-request',
        ...{ forward: 'none', cookies: 'none', forwardQuery: 'none', host: 'origin' },
        told: ['cloudfront-viewer-country'],
      },
    ],
    [
      { kind: 'response-headers', responseHeaders: { remove: ['Server'] } },
      { kind: 'response-headers', responseHeaders: { custom: [], remove: ['server'] } },
    ],
  ])('has every field of its kind: %j', (says, whole) => {
    const policy = made(says)
    expect(policy).toEqual({ id: ID, name: 'mine', comment: '', says: whole })
    expect(made(policy.says)).toEqual(policy)
  })

  test.each([
    [
      { kind: 'cache', headers: ['Cookie'] },
      'the header "cookie" of the policy "mine" is set by Sluice itself',
    ],
    [{ kind: 'cache', headers: ['cloudfront-viewer-address'] }, 'is another for every viewer'],
    [
      { kind: 'cache', keyedCookies: ['login-token'] },
      'the cookie "login-token" of the policy "mine" is a grant',
    ],
    [{ kind: 'cache', ttl: { minimum: 9, maximum: 1 } }, 'the ttl of the policy "mine" must rise'],
    [{ kind: 'origin-request', forward: ['host'] }, 'set "host" to "viewer"'],
    [{ kind: 'origin-request', told: ['cloudfront-viewer-city'] }, 'is not known to edges'],
    [
      { kind: 'response-headers', responseHeaders: { cors: { origins: ['*'], credentials: true } } },
      'the CORS origins of the policy "mine" are "*" with credentials, which browsers refuse',
    ],
  ])('is refused like a behaviour: %j', (says, sentence) => expect(wrong(says).join()).toContain(sentence))

  test('needs a name that can be written anywhere', () => {
    expect(wrong({ kind: 'cache' }, 'my policy')).toEqual([
      'the policy "my policy" has no good name: use letters, digits, "-", "_" and "."',
    ])
  })
})

describe('the managed policies', () => {
  test.each(MANAGED_POLICIES.map(policy => [policy.name, policy]))(
    '%s is as it would be settled',
    (name, policy) => {
      expect(made(policy.says, name, policy.id).says).toEqual(policy.says)
    },
  )

  test('have ids and names of their own', () => {
    expect(MANAGED_POLICIES).toHaveLength(20)
    expect(new Set(MANAGED_POLICIES.map(({ id }) => id)).size).toBe(20)
    expect(new Set(MANAGED_POLICIES.map(({ name }) => name)).size).toBe(20)
  })

  test.each(MANAGED_POLICIES.map(({ name, says, id }) => [name, says.kind, id] as const))(
    '%s works on a site',
    (name, kind, id) => {
      const policies =
        kind === 'cache'
          ? { cache: name }
          : kind === 'origin-request'
            ? { originRequest: name }
            : { responseHeaders: name }
      const { behaviours } = settled({ ...site, behaviours: [{ pattern: '*', policies }] }).distribution
      expect(Object.values(behaviours[0]?.policies ?? {})).toEqual([id])
    },
  )
})

const site = { origin: 'https://site.example' }
const CACHE = made(
  { kind: 'cache', ttl: { default: 60 }, query: ['a'], headers: ['Host', 'Accept'] },
  'short',
)
const TOLD = made(
  { kind: 'origin-request', forward: ['referer'], cookies: ['c'], forwardQuery: 'all' },
  'told',
  'p-2' as PolicyId, // a test's own
)
const ANSWERS = made(
  { kind: 'response-headers', responseHeaders: { custom: [{ name: 'X-A', value: 'a' }] } },
  'answers',
  'p-3' as PolicyId, // a test's own
)
const policies = [CACHE, TOLD, ANSWERS]

function behaviour(rule: object, where = around({ policies })): Behaviour | undefined {
  const input = reader(BehaviourInput, 'the behaviour')({ pattern: '*', ...rule })
  return settled({ ...site, behaviours: [input] }, where).distribution.behaviours[0]
}

function refused(rule: object, where = around({ policies })): string[] {
  const input = reader(BehaviourInput, 'the behaviour')({ pattern: '*', ...rule })
  return problemsOf({ ...site, behaviours: [input] }, where)
}

describe('a behaviour that names policies', () => {
  const named = { policies: { cache: 'short', originRequest: 'told', responseHeaders: 'p-3' } }

  test('is stored with what they say, and with their ids', () => {
    expect(behaviour(named)).toEqual({
      ...{ pattern: '*', originId: 'site.example', gate: null, carry: 'none', viewerProtocol: 'allow-all' },
      ttl: { minimum: 0, default: 60, maximum: 31_536_000 },
      ...{ query: ['a'], headers: ['accept'], forward: ['referer'], cookies: ['c'], methods: 'all' },
      ...{ compress: true, corsOrigins: [], acceptEncoding: ['br', 'gzip'], forwardQuery: 'all' },
      // Host in the key is the viewer's, and what is keyed the origin is told.
      host: 'viewer',
      responseHeaders: { custom: [{ name: 'X-A', value: 'a', override: true }], remove: [] },
      policies: { cache: 'p-1', originRequest: 'p-2', responseHeaders: 'p-3' },
    })
  })

  test('settles to itself', () => {
    const { distribution } = settled(
      { ...site, behaviours: [{ pattern: '*', ...named }] },
      around({ policies }),
    )
    const again = settled(distribution, around({ policies, before: distribution }))
    expect(again.distribution).toEqual(distribution)
    expect(settled(distribution, around({ policies })).distribution).toEqual(distribution)
  })

  test('tells its origin nothing beside what is keyed, unless an origin request policy does', () => {
    expect(behaviour({ policies: { cache: 'Managed-CachingOptimized' } })).toMatchObject({
      ...{ query: 'none', headers: [], forward: 'none', cookies: 'none', acceptEncoding: ['br', 'gzip'] },
    })
    expect(behaviour({ policies: { responseHeaders: 'answers' } })).toMatchObject({
      ...{ query: 'all', forward: 'all', cookies: 'all' },
    })
  })

  test('may say itself what no policy of it does', () => {
    const rule = { policies: { cache: 'short' }, forward: ['referer'], cookies: 'all' }
    expect(behaviour(rule)).toMatchObject({ forward: ['referer'], cookies: 'all' })
  })

  test('may repeat what they say, and say nothing else in their place', () => {
    expect(behaviour({ ...named, query: ['a'], host: 'viewer' })).toEqual(behaviour(named))
    expect(refused({ ...named, query: 'all', told: ['cloudfront-viewer-country'] })).toEqual([
      'behaviour "*" has a "query" beside the policy that says it (short): take it out, or the policy',
      'behaviour "*" has a "told" beside the policy that says it (told): take it out, or the policy',
    ])
  })

  test('follows a policy that has changed, whatever was stored of it', () => {
    const { distribution: before } = settled(
      { ...site, behaviours: [{ pattern: '*', ...named }] },
      around({ policies }),
    )
    const changed = made({ kind: 'cache', ttl: { default: 5 }, query: 'all' }, 'short')
    const after = settled(before, around({ policies: [changed, TOLD, ANSWERS], before })).distribution
    expect(after.behaviours[0]).toEqual({
      ...Object.fromEntries(Object.entries(before.behaviours[0] ?? {}).filter(([word]) => word !== 'host')),
      ...{ ttl: { minimum: 0, default: 5, maximum: 31_536_000 }, query: 'all', headers: [] },
    })
  })

  test('follows another policy when it names one beside what was stored', () => {
    const { distribution: before } = settled(
      { ...site, behaviours: [{ pattern: '*', ...named }] },
      around({ policies }),
    )
    const [stored] = before.behaviours
    const rule = { ...stored, policies: { ...stored?.policies, cache: 'Managed-CachingDisabled' } }
    const after = behaviour(rule, around({ policies, before }))
    expect(after?.ttl).toEqual({ minimum: 0, default: 0, maximum: 0 })
    expect(after?.host).toBeUndefined()
  })

  test('keeps what was stored when it names them no more', () => {
    const { distribution: before } = settled(
      { ...site, behaviours: [{ pattern: '*', ...named }] },
      around({ policies }),
    )
    const words: Partial<Behaviour> = { ...before.behaviours[0] }
    delete words.policies
    expect(behaviour(words, around({ policies, before }))).toEqual(words)
  })

  test('names those of the kind that stands there, and such as there are', () => {
    expect(refused({ policies: { cache: 'told', originRequest: 'nobody' } })).toEqual([
      'behaviour "*" names the cache policy "told", which there is not: sluice policy list names them, sluice policy create makes one',
      'behaviour "*" names the origin-request policy "nobody", which there is not: sluice policy list names them, sluice policy create makes one',
    ])
  })

  test('is judged with what they say', () => {
    const open = made(
      { kind: 'response-headers', responseHeaders: { custom: [{ name: 'Cache-Control', value: 'public' }] } },
      'open',
      'p-4' as PolicyId, // a test's own
    )
    const rule = { policies: { responseHeaders: 'open' }, gate: { keyGroups: ['default'] } }
    expect(refused(rule, around({ policies: [open] })).join()).toContain(
      'would let caches in between keep what is gated',
    )
  })
})
