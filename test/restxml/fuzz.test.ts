import fc from 'fast-check'
import { CreateDistributionCommand } from '@aws-sdk/client-cloudfront'
import { expect, test } from 'vitest'
import { RestFault, writeOutput } from '../../src/restxml/index.ts'
import { MODEL, readBack, type ReadBack } from './cloudfront.ts'
import { DISTRIBUTION } from './distribution.ts'
import { serialised } from './sdk.ts'

const SEED = 20260707

/** Characters of XML, the awkward ones often. */
const TEXT = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...'<>&\'"]-! \t\n\r;#x10'),
    fc.constantFrom('&amp;', ']]>', '<!--', '-->', '&#x41;', '<![CDATA[', '🎬', 'é', '\u2028'),
    fc.string({ minLength: 1, maxLength: 1, unit: 'grapheme-ascii' }),
  ),
  maxLength: 20,
})

/** One of the ways to write a text. */
const written = (text: string): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom('plain', 'number', 'hex', 'cdata', 'comment'), { minLength: 1, maxLength: 4 })
    .map(ways => {
      const chars = [...text]
      const size = Math.ceil(chars.length / ways.length)
      return ways.map((way, at) => spelled(way, chars.slice(at * size, (at + 1) * size))).join('')
    })

function spelled(way: string, chars: string[]): string {
  const text = chars.join('')
  const plain = text.replace(/[&<>\r]/g, char => `&#${char.charCodeAt(0)};`)
  switch (way) {
    case 'number':
      return chars.map(char => `&#${char.codePointAt(0)};`).join('')
    case 'hex':
      return chars.map(char => `&#x${char.codePointAt(0)?.toString(16)};`).join('')
    case 'cdata':
      return text.includes(']]>') || text.includes('<!') || text.includes('\r')
        ? plain
        : `<![CDATA[${text}]]>`
    case 'comment':
      return `${plain}<!-- <a> & b -->`
    default:
      return plain
  }
}

test('a text comes back in whatever way it was written', () => {
  const cases = TEXT.chain(text => written(text).map(xml => ({ text, xml })))
  fc.assert(
    fc.property(cases, ({ text, xml }) => {
      const body = `<KeyGroupConfig><Name>${xml}</Name><Items/></KeyGroupConfig>`
      const { input } = readBack({ method: 'POST', target: '/2020-05-31/key-group', body })
      expect(input).toEqual({ KeyGroupConfig: { Name: text, Items: [] } })
    }),
    { seed: SEED, numRuns: 2_000 },
  )
})

test('a text that is written is read as it was', () => {
  const operation = MODEL.operations['GetKeyGroupConfig']!
  fc.assert(
    fc.property(TEXT, fc.array(TEXT, { maxLength: 3 }), (name, items) => {
      const { body } = writeOutput(MODEL, operation, { KeyGroupConfig: { Name: name, Items: items } })
      const sent = { method: 'POST', target: '/2020-05-31/key-group', body: body ?? '' }
      expect(readBack(sent).input).toEqual({ KeyGroupConfig: { Name: name, Items: items } })
    }),
    { seed: SEED, numRuns: 1_000 },
  )
})

/** Read, or why not; anything but a typed refusal is a failure. */
function outcome(body: Uint8Array): ReadBack | RestFault {
  try {
    return readBack({ method: 'POST', target: '/2020-05-31/distribution', body })
  } catch (error) {
    if (error instanceof RestFault) return error
    throw error
  }
}

test('a document that was damaged is refused in a typed way, or read and written to the same again', async () => {
  const { body } = await serialised(new CreateDistributionCommand({ DistributionConfig: DISTRIBUTION }))
  const whole = Buffer.from(body ?? '')
  const operation = MODEL.operations['GetDistributionConfig']!
  const damage = fc.array(
    fc.record({
      at: fc.nat(whole.length - 1),
      cut: fc.nat(40),
      put: fc.oneof(
        fc.constantFrom(
          '',
          '<',
          '>',
          '&',
          '</',
          '/>',
          '<a>',
          '<!--',
          ']]>',
          '<![CDATA[',
          '<?',
          '"',
          '\0',
          '<!DOCTYPE',
        ),
        fc.string({ maxLength: 8 }),
      ),
    }),
    { minLength: 1, maxLength: 3 },
  )
  const seen = { read: 0, refused: 0 }
  fc.assert(
    fc.property(damage, damages => {
      const damaged = damages.reduce(
        (bytes, { at, cut, put }) =>
          Buffer.concat([bytes.subarray(0, at), Buffer.from(put), bytes.subarray(at + cut)]),
        whole,
      )
      const result = outcome(damaged)
      if (result instanceof RestFault) {
        seen.refused += 1
        expect(result).toMatchObject({ status: 400 })
        expect(['MalformedXML', 'InconsistentQuantities']).toContain(result.code)
        expect(result.message.length).toBeLessThan(400)
        return
      }
      seen.read += 1
      const again = writeOutput(MODEL, operation, result.input)
      expect(outcome(Buffer.from(again.body ?? ''))).toEqual(result)
    }),
    { seed: SEED, numRuns: 1_500 },
  )
  // Otherwise the damage would be too much, or none.
  expect(seen.read).toBeGreaterThan(20)
  expect(seen.refused).toBeGreaterThan(500)
})

test('bytes of any kind are refused in a typed way', () => {
  fc.assert(
    fc.property(fc.uint8Array({ minLength: 1, maxLength: 200 }), bytes => {
      expect(outcome(bytes)).toBeInstanceOf(RestFault)
    }),
    { seed: SEED, numRuns: 1_000 },
  )
})
