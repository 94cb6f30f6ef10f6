import fc from 'fast-check'
import { test } from 'vitest'
import { logLine } from '../../src/telemetry/log-line.ts'

test('a line is what JSON makes of its fields, whatever their values are', () => {
  const value = fc.oneof(
    ...[fc.string({ unit: 'binary' }), fc.string(), fc.double(), fc.integer(), fc.boolean()],
    ...[fc.constant(undefined), fc.constant(null)],
  )
  const fields = fc.record({ path: value, status: value, bytes: value, reason: value })
  fc.assert(fc.property(fields, each => logLine(each) === `${JSON.stringify(each)}\n`))
})
