import fc from 'fast-check'
import { expect, test } from 'vitest'
import { CMCD_NAMES, cmcdOf, readCmcd, REAL_TIME_FIELDS } from '../../src/logs/index.ts'

const read = (text: string) => {
  const { values, bad, unknown } = readCmcd([{ text }])
  return { ...Object.fromEntries([...values].map(([k, v]) => [k.replace('cmcd-', ''), v])), bad, unknown }
}

test('every key of version 1 is read as what it has to be', () => {
  const text =
    'bl=21300,br=3200,bs,cid="faec5fc2-ac30",d=4004,dl=18500,mtp=48100,nor="..%2F300kbps%2Ftrack.m4v",nrr="12323-48763",' +
    'ot=v,pr=1.08,rtp=12000,sf=h,sid="6e2fb550-c457",st=v,su,tb=6000,v=1,com.example-key="a,b"'
  expect(read(text)).toEqual({
    'buffer-length': 21300,
    'encoded-bitrate': 3200,
    'buffer-starvation': true,
    'content-id': 'faec5fc2-ac30',
    'object-duration': 4004,
    deadline: 18500,
    'measured-throughput': 48100,
    'next-object-request': '..%2F300kbps%2Ftrack.m4v',
    'next-range-request': '12323-48763',
    'object-type': 'v',
    'playback-rate': 1.08,
    'requested-maximum-throughput': 12000,
    'streaming-format': 'h',
    'session-id': '6e2fb550-c457',
    'stream-type': 'v',
    startup: true,
    'top-bitrate': 6000,
    version: 1,
    bad: 0,
    unknown: 1,
  })
  expect([...CMCD_NAMES].sort()).toEqual(REAL_TIME_FIELDS.filter(name => name.startsWith('cmcd-')).sort())
})

test('a string has its quotes and backslashes escaped, and may have commas', () => {
  expect(read('sid="a\\"b\\\\c,d=1",br=1')).toEqual({
    'session-id': 'a"b\\c,d=1',
    'encoded-bitrate': 1,
    bad: 0,
    unknown: 0,
  })
})

test.each([
  ['a number in quotes', 'br="1",d=1', 1],
  ['a number with letters', 'br=1k,d=1', 1],
  ['a key without the value that it needs', 'br,d=1', 1],
  ['a string without quotes', 'sid=a,d=1', 1],
  ['a string that is too long', `sid="${'x'.repeat(65)}",d=1`, 1],
  ['a token that is none', 'ot=x,d=1', 1],
  ['a token in quotes', 'ot="v",d=1', 1],
  ['a range that is none', 'nrr="1",d=1', 1],
  ['the same key twice', 'd=1,d=2', 1],
  ['a value of version 2', 'br=(3000;v),d=1', 1],
  ['a boolean that is none', 'bs=1,d=1', 1],
  ['an escape that is none', 'd=1,sid="a\\b",br=1', 1],
  ['a quote that does not end', 'd=1,sid="a', 1],
  ['a key that cannot be one', 'd=1,a/b=2', 1],
])('%s is as if it were not there, and counted', (_, text, bad) => {
  expect(read(text)).toEqual({ 'object-duration': 1, bad, unknown: 0 })
})

test('a text that is too long is not looked at', () => {
  expect(read(`d=1,${'a=1,'.repeat(2000)}`)).toEqual({ bad: 1, unknown: 0 })
})

test('what comes in header fields stands in its own, and counts before the query', () => {
  const cmcd = { object: 'br=1,bl=2', request: 'bl=3', status: 'bs', session: 'sid="a"' }
  const { values, bad } = cmcdOf({ cmcd, query: 'CMCD=br%3D9' })
  expect([Object.fromEntries(values), bad]).toEqual([
    {
      'cmcd-encoded-bitrate': 1,
      'cmcd-buffer-length': 3,
      'cmcd-buffer-starvation': true,
      'cmcd-session-id': 'a',
    },
    1,
  ])
})

test('a query without it says nothing, and one that cannot be decoded is bad', () => {
  expect(cmcdOf({ query: 'a=CMCD=1' })).toEqual({ values: new Map(), bad: 0, unknown: 0 })
  expect(cmcdOf({ query: 'a=b&CMCD=%zz' })).toEqual({ values: new Map(), bad: 1, unknown: 0 })
  expect([...cmcdOf({ query: 'a=b&CMCD=d%3D7&c=d' }).values]).toEqual([['cmcd-object-duration', 7]])
})

test('whatever is sent, it is read in a time that is no longer than it is', () => {
  const piece = fc.constantFrom('br', '=', ',', '"', '\\', ' ', '1', 'sid', '(', 'é', '\u0000', 'bs')
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 300 }), pieces => {
      const { values, bad } = readCmcd([{ text: pieces.join('') }])
      return values.size <= CMCD_NAMES.length && bad >= 0
    }),
  )
})
