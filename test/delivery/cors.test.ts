import { expect, test } from 'vitest'
import { mayReadGated } from '../../src/delivery/answer/cors.ts'

const LONG = `https://${'a'.repeat(300)}.example`

test.each<[string, string, string[], boolean]>([
  ['https://www.site.example', 'media.site.example', [], true],
  ['https://www.site.example', 'media.other.example', [], false],
  ['https://www.site.example', 'media.other.example', ['https://www.site.example'], true],
  ['https://www.site.example', 'media.other.example', [], false],
  ['http://app.localhost:5173', 'media.other.example', [], true],
  ['ftp://media.site.example', 'media.site.example', [], false],
  ['null', 'media.site.example', [], false],
  ['https://media.site.example evil.example', 'media.site.example', [], false],
  [LONG, 'media.site.example', [], false],
  [LONG, 'media.site.example', [LONG], true],
])('a page of %s before %s, with %j listed, may read what is gated: %s', (origin, host, listed, may) => {
  for (let turn = 0; turn < 2; turn++) expect(mayReadGated(origin, host, listed)).toBe(may)
})
