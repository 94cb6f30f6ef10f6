import { describe, expect, it } from 'vitest'
import { problemOf } from '../../src/control/problem.ts'
import { SluiceError } from '../../src/core/index.ts'
import { silentLogger, type Fields } from '../../src/telemetry/index.ts'

describe('what an asker is told of an error', () => {
  it.each([
    [new SluiceError('bad-path', 'mend the path', { kind: 'usage' }), 400, 'bad-path', 'mend the path'],
    [new SluiceError('no-space', 'make room'), 507, 'no-space', 'make room'],
    [new SluiceError('scope', 'another token', { kind: 'unauthorised' }), 403, 'scope', 'another token'],
    [new SluiceError('bad-token', 'a token', { kind: 'unauthorised' }), 401, 'bad-token', 'a token'],
    [new SluiceError('later', 'wait', { kind: 'unavailable' }), 503, 'later', 'wait'],
    [new SyntaxError('Unexpected token'), 400, 'bad-json', 'the body is not JSON'],
  ])('%s', (error, status, code, message) => {
    const problem = problemOf(error, silentLogger)
    expect([problem.status, problem.body]).toEqual([status, { error: { code, message } }])
  })

  it('is nothing of the inside, which is logged instead', () => {
    const logged: Fields[] = []
    const log = { ...silentLogger, error: (fields: Fields) => void logged.push(fields) }
    const problem = problemOf(new Error('relation "tokens" does not exist at /srv/control.ts'), log)
    expect(problem).toEqual({
      status: 500,
      body: {
        error: {
          code: 'internal',
          message: 'control could not do this because of an error of its own: its log says more',
        },
      },
      headers: {},
    })
    expect(logged[0]?.['error']).toContain('relation "tokens"')
  })
})
