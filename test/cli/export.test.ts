import fc from 'fast-check'
import { expect, test } from 'vitest'
import { parseYaml, renderYaml } from '../../src/app/index.ts'
import { exported, fileOf, type Named } from '../../src/cli/export.ts'
import type { DistributionInfo } from '../../src/client/index.ts'
import { reader, type PolicyId } from '../../src/core/index.ts'
import {
  DistributionInput,
  MANAGED_POLICIES,
  settleDistribution,
  settlePolicy,
  type Distribution,
  type Policy,
} from '../../src/distribution/index.ts'
import { around } from '../distribution/around.ts'

const policies = ['mine', 'Managed-CachingOptimized'].map((name, at) => policyOf(name, `p-${at}`))

/** The second is called like a managed one, which comes first: it goes by its id. */
function policyOf(name: string, id: string): Policy {
  const says = { kind: 'cache' as const, query: ['page'], headers: ['host', 'accept'] }
  const outcome = settlePolicy({ name, says }, id as PolicyId, []) // a test's own
  if (outcome.kind !== 'good') throw new Error(outcome.problems.join())
  return outcome.policy
}

const NAMED: Named = { ...around(), policies: [...MANAGED_POLICIES, ...policies] }

const names = fc.uniqueArray(fc.constantFrom('a', 'b', 'lang', 'page', 'x-y'), { minLength: 1, maxLength: 3 })
const choice = fc.oneof(
  fc.constant('none' as const),
  fc.constant('all' as const),
  names,
  names.map(except => ({ except })),
)
const maybe = <T>(arbitrary: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> =>
  fc.option(arbitrary, { nil: undefined })
const override = maybe(fc.boolean())

const responseHeaders = fc.record({
  custom: maybe(
    fc.uniqueArray(
      fc.record({
        name: fc.constantFrom('X-A', 'X-B', 'Link'),
        value: fc.constantFrom('1', 'a: b', '# no', '"q"', "it's"),
        override: fc.boolean(),
      }),
      { selector: each => each.name },
    ),
  ),
  remove: maybe(fc.constantFrom(['Server'], ['x-powered-by', 'Server'])),
  cors: maybe(
    fc.record({
      origins: fc.constantFrom(['*'], ['https://a.example', 'https://*.b.example']),
      expose: fc.constantFrom([], ['x-a']),
      override: fc.boolean(),
    }),
  ),
  security: maybe(
    fc.record({
      contentSecurityPolicy: maybe(
        fc.record({ value: fc.constantFrom("default-src 'self'"), override: fc.boolean() }),
      ),
      frameOptions: maybe(fc.record({ value: fc.constantFrom('DENY' as const), override: fc.boolean() })),
    }),
  ),
  serverTiming: maybe(fc.record({ samplingRate: fc.constantFrom(0, 0.5, 100) })),
})

const words = fc.record({
  ttl: maybe(fc.record({ minimum: fc.constantFrom(0, 1), maximum: fc.constantFrom(1, 60) })),
  query: maybe(choice),
  headers: maybe(fc.constantFrom(['accept'], ['Origin', 'CloudFront-Viewer-Country'])),
  keyedCookies: maybe(choice),
  acceptEncoding: maybe(fc.constantFrom<('br' | 'gzip')[][]>([], ['gzip'], ['br', 'gzip'])),
  forward: maybe(choice),
  cookies: maybe(choice),
  forwardQuery: maybe(choice),
  host: maybe(fc.constantFrom('origin' as const, 'viewer' as const)),
  told: maybe(fc.constantFrom([], ['CloudFront-Viewer-Address'])),
  responseHeaders: maybe(responseHeaders),
})

const rule = fc.oneof(
  words,
  fc.record({
    policies: fc.record(
      {
        cache: fc.constantFrom('mine', 'Managed-CachingOptimized', 'p-1', 'Managed-CachingDisabled'),
        originRequest: fc.constantFrom('Managed-AllViewer', 'Managed-CORS-S3Origin'),
        responseHeaders: fc.constantFrom('Managed-SimpleCORS'),
      },
      { requiredKeys: [] },
    ),
  }),
)

const behaviour = fc
  .tuple(
    rule,
    fc.record({
      gate: maybe(fc.constantFrom(null, { keyGroups: ['default'], issuers: ['login'] })),
      methods: maybe(fc.constantFrom('get' as const, 'read' as const)),
      compress: override,
      viewerProtocol: maybe(fc.constantFrom('https-only' as const)),
      originId: maybe(fc.constantFrom('site', 'films', 'both')),
    }),
  )
  .map(([said, rest]) => ({ ...said, ...rest }))

const input = fc
  .record({
    aliases: maybe(fc.constantFrom([], ['a.example'])),
    comment: maybe(fc.constantFrom('', 'yes', '1.0', 'a: b # c', '- x', 'null', '\u00fcber')),
    enabled: override,
    defaultRoot: maybe(fc.constantFrom('index.html', 'a/b')),
    geo: maybe(
      fc.record({
        mode: fc.constantFrom('allow' as const, 'deny' as const),
        countries: fc.constant(['NO', 'de']),
      }),
    ),
    minimumTls: maybe(fc.constantFrom('1.2' as const, '1.3' as const)),
    http: maybe(fc.constantFrom('1.1' as const, '2' as const)),
    certificate: maybe(fc.constantFrom('films', '2026')),
    errors: maybe(fc.constantFrom([], [{ status: 404, ttl: 5, page: '/404.html', respondWith: 200 }])),
    rules: fc.array(behaviour, { maxLength: 3 }),
    last: behaviour,
  })
  .map(({ rules, last, ...rest }) => ({
    ...rest,
    origins: [
      { id: 'site', url: 'https://site.example', tls: ['1.3' as const], shield: 'fra' },
      { id: 'films', bucket: 'films', access: 'films' },
    ],
    originGroups: [{ id: 'both' }],
    behaviours: [...rules.map((each, at) => ({ ...each, pattern: `/${at}/*` })), { ...last, pattern: '*' }],
  }))

/** As JSON and YAML carry it: what is undefined is not there. */
function plain(value: object): DistributionInput {
  return JSON.parse(JSON.stringify(value)) as DistributionInput // checked where it is read
}

function settle(value: unknown, before?: Distribution): Distribution {
  const outcome = settleDistribution(reader(DistributionInput, 'it')(value), around({ policies, before }))
  if (outcome.kind !== 'good') throw new Error(JSON.stringify(outcome))
  return outcome.distribution
}

test('what is exported makes the same again, and so does what is shown, whatever it is', () => {
  fc.assert(
    fc.property(input, given => {
      const distribution = settle(plain(given))
      const info = { ...distribution, fallback: false, file: 'films' } as DistributionInfo // without secrets
      const text = renderYaml(exported(info, NAMED))
      expect(settle(parseYaml('export.yaml', text))).toEqual(distribution)
      expect(settle(plain(info), distribution)).toEqual(distribution)
      const all = parseYaml('sluice.yaml', renderYaml(fileOf([info], NAMED)))
      const { films } = all['distributions'] as Record<string, unknown> // as it was written
      expect(settle(films, distribution)).toEqual(distribution)
    }),
    { numRuns: 300 },
  )
})

test('what is exported names what people name, and says nothing that its policies say', () => {
  const gate = { keyGroups: ['default'], issuers: ['login'] }
  const distribution = settle({
    origins: [{ bucket: 'films', access: 'films' }],
    behaviours: [{ pattern: '*', gate, policies: { cache: 'mine' } }],
  })
  const { origins, behaviours, ...rest } = exported(
    { ...distribution, fallback: true } as DistributionInfo,
    NAMED,
  )
  expect(rest).toEqual({ aliases: [], enabled: true, comment: '', errors: [] })
  expect(origins).toMatchObject([{ bucket: 'films', access: 'films' }])
  expect(behaviours).toEqual([
    {
      ...{ pattern: '*', originId: 'films', carry: 'none', viewerProtocol: 'allow-all', methods: 'read' },
      ...{ forward: 'none', cookies: 'none', compress: true, corsOrigins: [] },
      gate,
      policies: { cache: 'mine' },
    },
  ])
})
