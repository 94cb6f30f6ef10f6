import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { EncryptedForm, EncryptorThread, LONGEST_FIELD, LONGEST_FORM } from '../../src/fields/index.ts'
import { Recipient } from './recipient.ts'

const recipient = new Recipient()
const encryptor = new EncryptorThread()
afterAll(() => encryptor.close())

async function* chunked(body: Buffer, sizes: Iterable<number>): AsyncGenerator<Uint8Array> {
  let at = 0
  for (const size of sizes) {
    if (at >= body.length) return
    await Promise.resolve()
    yield body.subarray(at, at + size)
    at += size
  }
  if (at < body.length) yield body.subarray(at)
}

/** As it reaches the origin. */
async function sent(
  body: string | Buffer,
  patterns: string[],
  sizes: Iterable<number> = [],
): Promise<string> {
  const bytes = Buffer.from(body)
  const form = new EncryptedForm(chunked(bytes, sizes), recipient.profile(...patterns), encryptor)
  await form.prepare()
  const parts: Uint8Array[] = []
  for await (const part of form) parts.push(part)
  return Buffer.concat(parts).toString('latin1')
}

/** The pairs of a form as they stand there. */
function pairsOf(form: string): [name: string, value: string][] {
  return form.split('&').map(pair => {
    const at = pair.indexOf('=')
    return at < 0 ? [pair, ''] : [pair.slice(0, at), pair.slice(at + 1)]
  })
}

async function readPair(form: string, at: number): Promise<string> {
  return (await recipient.read(decodeURIComponent(pairsOf(form)[at]?.[1] ?? ''))).toString()
}

describe('a form that is encrypted', () => {
  test('keeps all but the values that are named, byte for byte', async () => {
    const form = await sent('a=1&card=4111+1111%211&b=%C3%a4&&=x&last', ['card'])
    expect(form).toMatch(/^a=1&card=AYAB[A-Za-z0-9%]+&b=%C3%a4&&=x&last$/)
    expect(await readPair(form, 1)).toBe('4111 1111!1')
  })

  test.each([
    ['as it is, and no other', 'card=1&Card=2&cards=3&car=4&card[0]=5', ['card'], [0]],
    ['by its beginning', 'card=1&Card=2&cards=3&car=4&card[0]=5', ['card*'], [0, 2, 4]],
    ['as it is decoded', 'c%61rd=1&card%5b0%5D=2&ca+rd=3', ['card', 'card[0]'], [0, 1]],
    ['each time that it is there', 'card=1&x=2&card=3&card=', ['card'], [0, 2, 3]],
    ['with characters of all kinds', 'a.b_c-d[]=1', ['a.b_c-d[]'], [0]],
    ['with an equals sign in its value', 'card=a=b', ['card'], [0]],
  ])('finds a field %s', async (_, body, patterns, found) => {
    const before = pairsOf(body)
    const form = await sent(body, patterns)
    const after = pairsOf(form)
    expect(after.map(([name]) => name)).toEqual(before.map(([name]) => name))
    for (const [at, [, value]] of before.entries())
      if (found.includes(at)) expect(await readPair(form, at)).toBe(decodeURIComponent(value))
      else expect(after[at]?.[1]).toBe(value)
  })

  test('encrypts nothing as nothing, with and without an equals sign', async () => {
    const form = await sent('card&card=', ['card'])
    expect(await Promise.all([readPair(form, 0), readPair(form, 1)])).toEqual(['', ''])
  })

  test('is what CloudFront’s are: a message of format 1, suite 0x0178, for provider and key by name', async () => {
    const [, value = ''] = pairsOf(await sent('card=4111', ['card']))[0] ?? []
    const { plaintext, messageHeader } = await recipient.opened(decodeURIComponent(value))
    expect(plaintext.toString()).toBe('4111')
    expect(messageHeader).toMatchObject({ version: 1, suiteId: 0x0178, encryptionContext: {} })
    expect(messageHeader.encryptedDataKeys.map(each => [each.providerId, each.providerInfo])).toEqual([
      ['shop:payments', 'cards-2026'],
    ])
  })

  test('is never the same twice', async () => {
    const [[, one], [, other]] = pairsOf(await sent('card=1&card=1', ['card'])) as [
      [string, string],
      [string, string],
    ] // two
    expect(one).not.toBe(other)
  })

  test('may be empty', async () => {
    expect(await sent('', ['card'])).toBe('')
  })
})

describe('a form is refused', () => {
  const long = 'x'.repeat(LONGEST_FIELD)
  const fields = (count: number): string => Array.from({ length: count }, (_, at) => `card${at}=1`).join('&')

  test.each([
    ['for an escape that is none', 'a=%4', 'MalformedInputClientError'],
    ['for an escape without digits', 'a=%zz', 'MalformedInputClientError'],
    ['for an escape that is cut off by the next field', 'a=%4&b=1', 'MalformedInputClientError'],
    ['for an escape in a name that is none', '%=1', 'MalformedInputClientError'],
    ['for an escape in a field that is encrypted', 'card=%g1', 'MalformedInputClientError'],
    ['for a field of more than 16 KB', `card=${long}x`, 'FieldLengthLimitClientError'],
    ['for more than ten fields', fields(11), 'FieldNumberLimitClientError'],
    [
      'for more than ten fields without values',
      fields(11).replaceAll('=1', ''),
      'FieldNumberLimitClientError',
    ],
    ['for more than 1 MB', `a=${'x'.repeat(LONGEST_FORM - 1)}`, 'RequestLengthLimitClientError'],
  ])('%s', async (_, body, status) => {
    for (const sizes of [[], Array<number>(40).fill(1)])
      await expect(sent(body, ['card*'], sizes)).rejects.toMatchObject({ code: 'form-refused', status })
  })

  test('for nothing that is just within: 16 KB decoded, ten fields, 1 MB, long fields that are not encrypted', async () => {
    const escaped = `card=${'%41'.repeat(LONGEST_FIELD)}`
    expect(await readPair(await sent(escaped, ['card*']), 0)).toBe('A'.repeat(LONGEST_FIELD))
    const ten = await sent(`${fields(10)}&${fields(30).replaceAll('card', 'other')}`, ['card*'])
    expect(pairsOf(ten)).toHaveLength(40)
    const whole = `a=${'x'.repeat(LONGEST_FORM - 2)}`
    expect((await sent(whole, ['card*'])) === whole).toBe(true)
  })
})

const patternOf = fc.tuple(fc.constantFrom('card', 'c', 'name[0]', 'a.b-', 'Z_'), fc.constantFrom('', '*'))
const byte = fc.integer({ min: 0, max: 255 })
/** Names near the patterns and far from them, spelt in every way. */
const nameOf = fc.oneof(
  fc.constantFrom('card', 'card2', 'car', 'c', 'name[0]', 'name[0][1]', 'a.b-', 'Z_', 'z_', ''),
  fc.string({ maxLength: 6 }),
)
const pairOf = fc.tuple(
  nameOf,
  fc.array(byte, { maxLength: 40 }),
  fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 46 }),
)

/** Each byte as it is, or in one of the two spellings of its escape. */
function spell(bytes: Uint8Array, dice: readonly number[]): string {
  return [...bytes]
    .map((each, at) => {
      const escape = `%${each.toString(16).padStart(2, '0')}`
      if (each === 0x20 && dice[at] === 1) return '+'
      if (/[\w.*-]/.test(String.fromCharCode(each)) && dice[at] !== 2) return String.fromCharCode(each)
      return dice[at] === 3 ? escape.toUpperCase() : escape
    })
    .join('')
}

test('of any form, however it is cut, what is not named is unchanged and what is named is read by its recipient alone', async () => {
  await fc.assert(
    fc.asyncProperty(
      patternOf,
      fc.array(pairOf, { maxLength: 9 }),
      fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 60 }),
      async ([stem, star], pairs, sizes) => {
        const body = pairs
          .map(
            ([name, value, dice]) => `${spell(Buffer.from(name), dice)}=${spell(Buffer.from(value), dice)}`,
          )
          .join('&')
        const form = await sent(body, [stem + star], sizes)
        if (pairs.length === 0) {
          expect(form).toBe(body)
          return
        }
        const [before, after] = [pairsOf(body), pairsOf(form)]
        expect(after).toHaveLength(before.length)
        for (const [at, [name, value]] of pairs.entries()) {
          const named = star === '*' ? name.startsWith(stem) : name === stem
          expect(after[at]?.[0]).toBe(before[at]?.[0])
          if (!named) expect(after[at]?.[1]).toBe(before[at]?.[1])
          else expect([...(await recipient.read(decodeURIComponent(after[at]?.[1] ?? '')))]).toEqual(value)
        }
      },
    ),
    { numRuns: 150 },
  )
})

describe('the thread that encrypts', () => {
  test('keeps nobody waiting who does something else meanwhile', async () => {
    const own = new EncryptorThread()
    await own.encrypt(Buffer.from('warm'), recipient)
    const turns: string[] = []
    const encrypted = own.encrypt(Buffer.alloc(LONGEST_FIELD), recipient).then(() => turns.push('encrypted'))
    await new Promise(resolve => setImmediate(resolve))
    turns.push('a turn of the event loop')
    await encrypted
    await own.close()
    expect(turns).toEqual(['a turn of the event loop', 'encrypted'])
  })

  test('takes so many at a time, and sends others away', async () => {
    const own = new EncryptorThread({ most: 2 })
    const asked = [1, 2, 3].map(() => own.encrypt(Buffer.from('x'), recipient))
    const told = await Promise.allSettled(asked)
    await own.close()
    expect(told.map(each => (each.status === 'fulfilled' ? 'done' : (each.reason as unknown)))).toEqual([
      'done',
      'done',
      expect.objectContaining({ code: 'encryption-busy' }),
    ])
  })

  test('fails with what cannot be encrypted, and goes on with the next', async () => {
    const broken = { provider: 'shop', keyName: 'none', pem: 'no key' }
    await expect(encryptor.encrypt(Buffer.from('x'), broken)).rejects.toMatchObject({
      code: 'encryption-failed',
    })
    const message = await encryptor.encrypt(Buffer.from('x'), recipient)
    expect((await recipient.read(decodeURIComponent(message))).toString()).toBe('x')
  })

  test('ends with who made it, and all that waits fails', async () => {
    const own = new EncryptorThread()
    const waiting = own.encrypt(Buffer.from('x'), recipient)
    const told = expect(waiting).rejects.toMatchObject({ code: 'encryption-failed' })
    await own.close()
    await told
    await expect(own.encrypt(Buffer.from('x'), recipient)).rejects.toMatchObject({
      code: 'encryption-failed',
    })
  })
})
