import fc from 'fast-check'
import { expect, test } from 'vitest'
import { instant, type RequestId } from '../../src/core/index.ts'
import { loggedPath } from '../../src/signing/index.ts'
import { accessLine, type AccessEntry } from '../../src/delivery/access-line.ts'

const VIEWER = { address: '192.0.2.7', scheme: 'https', authority: 'a.example', host: 'a.example' } as const

const ENTRY: AccessEntry = {
  at: instant(Date.UTC(2026, 10, 22, 12)),
  id: 'r1' as RequestId, // as a node would make it
  distribution: 'd1',
  viewer: VIEWER,
  method: 'GET',
  path: '/film.m3u8',
  status: 200,
  bytes: 7,
  ms: 3,
  result: 'Hit',
  reason: undefined,
  complete: true,
  protocol: '1.1',
}

test('a line tells of a request in this order, and leaves out what nobody knows', () => {
  expect(accessLine(ENTRY)).toBe(
    '{"time":"2026-11-22T12:00:00.000Z","id":"r1","distribution":"d1","address":"192.0.2.7","scheme":"https",' +
      '"host":"a.example","method":"GET","path":"/film.m3u8","status":200,"bytes":7,"ms":3,"result":"Hit",' +
      '"complete":true,"protocol":"1.1"}\n',
  )
  const refused = { ...ENTRY, distribution: undefined, viewer: undefined, path: undefined, complete: false }
  expect(accessLine({ ...refused, status: 400, reason: 'bad-path', result: 'Error' })).toBe(
    '{"time":"2026-11-22T12:00:00.000Z","id":"r1","method":"GET","status":400,"bytes":7,"ms":3,' +
      '"result":"Error","reason":"bad-path","complete":false,"protocol":"1.1"}\n',
  )
})

test('a line tells what became of a form where its fields are encrypted', () => {
  const form = { status: 'Processed', fields: 2 } as const
  expect(accessLine({ ...ENTRY, method: 'POST', result: 'Miss', form })).toBe(
    '{"time":"2026-11-22T12:00:00.000Z","id":"r1","distribution":"d1","address":"192.0.2.7","scheme":"https",' +
      '"host":"a.example","method":"POST","path":"/film.m3u8","status":200,"bytes":7,"ms":3,"result":"Miss",' +
      '"form":"Processed","encryptedFields":2,"complete":true,"protocol":"1.1"}\n',
  )
})

test('a line has the trace that its viewer has named', () => {
  const trace = '4bf92f3577b34da6a3ce929d0e0e4736'
  expect(JSON.parse(accessLine({ ...ENTRY, trace }))).toEqual({ ...JSON.parse(accessLine(ENTRY)), trace })
})

test('of one viewer each request is told by its own method and distribution', () => {
  const said = (entry: Partial<AccessEntry>): unknown => JSON.parse(accessLine({ ...ENTRY, ...entry }))
  expect(said({ method: 'HEAD' })).toMatchObject({ method: 'HEAD', distribution: 'd1' })
  expect(said({ distribution: 'd2' })).toMatchObject({ method: 'GET', distribution: 'd2' })
  expect(said({ distribution: undefined })).not.toHaveProperty('distribution')
  expect(said({})).toMatchObject({ method: 'GET', distribution: 'd1', host: 'a.example' })
})

test('a line is JSON whatever was asked for', () => {
  const text = fc.oneof(fc.string({ unit: 'binary' }), fc.string())
  const asked = fc.record({ path: text, host: text, method: text })
  fc.assert(
    fc.property(asked, ({ path, host, method }) => {
      const line = accessLine({ ...ENTRY, path, method, viewer: { ...VIEWER, host } })
      const told = JSON.parse(line) as Record<string, unknown>
      return (
        line.endsWith('\n') &&
        line.trim().split('\n').length === 1 &&
        told['path'] === path &&
        told['host'] === host &&
        told['method'] === method
      )
    }),
  )
})

test('a path is told as logs may hold it, whatever is in it', () => {
  const piece = fc.oneof(
    fc.constantFrom('/', '~', '%7e', '=', '.', '-', '+', '_', '"', '\\', 'é', ' ', '\n', 'eyJ', 'Policy='),
    fc.string({ unit: fc.constantFrom('a', 'Z', '0'), maxLength: 40 }),
  )
  const path = fc.array(piece, { maxLength: 12 }).map(pieces => `/${pieces.join('')}`)
  fc.assert(
    fc.property(path, each => {
      const told = JSON.parse(accessLine({ ...ENTRY, path: each })) as Record<string, unknown>
      return told['path'] === loggedPath(each)
    }),
  )
})
