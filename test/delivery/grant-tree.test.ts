import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { AUDIENCE, ISSUER, issuerOf, tokenKey, tokenOf } from '../signing/tokens.ts'
import { EdgeBench, snapshotOf } from './edge-bench.ts'
import { grantFor } from './grants.ts'
import { RawConnection } from './raw-connection.ts'

const key = tokenKey('ES256', 'es')
let bench: EdgeBench
let connection: RawConnection
beforeAll(async () => {
  bench = await EdgeBench.start((request, response) =>
    response.writeHead(200, { 'Cache-Control': 'max-age=600' }).end(`at ${request.url ?? ''}`),
  )
  const issuer = issuerOf([key])
  const snapshot = snapshotOf({ issuers: [issuer] })
  bench.node.apply({
    ...snapshot,
    distributions: snapshot.distributions.map(each => ({
      ...each,
      behaviours: each.behaviours.map(rule => ({
        ...rule,
        gate: rule.gate && { ...rule.gate, issuers: [issuer.id] },
      })),
    })),
  })
  connection = new RawConnection(bench.url)
})
afterAll(async () => {
  connection.close()
  await bench.close()
})

/** Names that begin or end alike, differ in case only, or look like something else. */
const name = fc.constantFrom(
  'a',
  'A',
  'ab',
  'b',
  'a.b',
  'a%20b',
  'a*',
  'a%2A',
  'a,b',
  '~a.b.c',
  '-',
  'index.m3u8',
)
const folder = fc.array(name, { minLength: 1, maxLength: 3 }).map(names => `/members/${names.join('/')}`)

/** A tree around a folder: what lies in it, beside it, above it, and in another of its name. */
const tree = fc
  .tuple(
    folder,
    fc.array(fc.array(name, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 5 }),
    fc.array(folder, { maxLength: 5 }),
  )
  .map(([root, inside, others]) => ({
    root,
    paths: [
      ...new Set([
        ...inside.map(names => `${root}/${names.join('/')}`),
        ...inside.map(names => `${root}${names.join('/')}`),
        ...inside.map(names => `/members${root}/${names.join('/')}`),
        ...[`${root}/`, root, `${root}x`, `${root.toUpperCase()}/a`, root.replace(/[^/]*$/, '')],
        ...others,
      ]),
    ].filter(each => each.startsWith('/members/')),
  }))

async function opens(
  path: string,
  carriedAs: (path: string) => [target: string, lines: string[]],
): Promise<boolean> {
  const [target, lines] = carriedAs(path)
  const { status, head, body } = await connection.ask([
    `GET ${target} HTTP/1.1`,
    'Host: cdn.localhost',
    ...lines,
  ])
  expect([200, 403]).toContain(status)
  if (status === 200) expect(body).toContain(`at ${path}`)
  else expect(head).toMatch(/\r\nX-Sluice-Reason: wrong-resource/)
  return status === 200
}

test(
  'a grant for a folder opens all that lies in it and nothing else, by each carrier',
  { timeout: 60_000 },
  async () => {
    await fc.assert(
      fc.asyncProperty(tree, async ({ root, paths }) => {
        // A resource cannot say an asterisk that stands for itself in a path as it was sent.
        fc.pre(!root.includes('*') && !root.includes('%2A'))
        const grant = grantFor(`*://*${root}/*`)
        const token = tokenOf(key, {
          ...{ iss: ISSUER, aud: AUDIENCE, exp: Math.floor(Date.now() / 1000) + 600 },
          paths: [`${root}/*`],
        })
        const inside = paths.filter(each => each.startsWith(`${root}/`))
        const carriers: ((path: string) => [string, string[]])[] = [
          path => [path, [`Cookie: ${grant.cookie}`]],
          path => [`${path}?${grant.query}`, []],
          path => [`${grant.token}${path}`, []],
          path => [`/~${token}${path}`, []],
          path => [path, [`Authorization: Bearer ${token}`]],
          path => [path, [`Cookie: sluice-token=${token}`]],
        ]
        for (const carrier of carriers) {
          const opened: string[] = []
          for (const path of paths) if (await opens(path, carrier)) opened.push(path)
          expect(opened).toEqual(inside)
        }
      }),
      { numRuns: 12, seed: 20_261_122 },
    )
  },
)
