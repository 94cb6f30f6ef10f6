import { expect, test } from 'vitest'
import { invalidatedTargets, type RequestTarget } from '../../src/http/index.ts'

const POST: RequestTarget = { method: 'POST', scheme: 'https', authority: 'a.example', target: '/x/y?z=1' }

function targets(headers: string[] = [], status = 200, request: Partial<RequestTarget> = {}): string[] {
  return invalidatedTargets({ ...POST, ...request }, { status, headers })
}

test.each([200, 201, 204, 301, 303, 399])('a %s to an unsafe request undoes its own target', status => {
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH', 'M-SEARCH', 'post'])
    expect(targets([], status, { method })).toEqual(['/x/y?z=1'])
})

test.each([100, 199, 400, 404, 500, 599])('a %s undoes nothing', status => {
  expect(targets(['Location', '/b'], status)).toEqual([])
})

test.each(['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PROPFIND', 'REPORT', 'SEARCH', 'QUERY'])(
  '%s undoes nothing',
  method => {
    expect(targets(['Location', '/b'], 200, { method })).toEqual([])
  },
)

test.each<[string[], string[]]>([
  [['Location', '/b?c'], ['/b?c']],
  [['location', 'n'], ['/x/n']],
  [['Location', '?q'], ['/x/y?q']],
  [['Content-Location', 'https://a.example:443/c'], ['/c']],
  [
    ['Location', '/b', 'Content-Location', '/c'],
    ['/b', '/c'],
  ],
  [['Location', '/x/y?z=1'], []],
  [['Location', 'http://a.example/b'], []],
  [['Location', 'https://b.example/b'], []],
  [['Location', '//b.example/b'], []],
  [['Location', 'https://a.example:8443/b'], []],
  [['Location', 'http://['], []],
])('with %j it undoes %j too', (headers, more) => {
  expect(targets(headers)).toEqual(['/x/y?z=1', ...more])
})
