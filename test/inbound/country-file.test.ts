import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { CountryFile, readCountryFile } from '../../src/inbound/index.ts'
import { countryDatabase } from './country-database-file.ts'

const LIST = `network,country
# ours
192.0.2.0/24,NZ
192.0.2.128/25,"au"
198.51.100.7,CH,a further column

2001:db8::/32,DE
"2001:db8:1::/48",FR
`

const DATABASE = countryDatabase({
  '192.0.2.0/24': { country: { iso_code: 'NZ', geoname_id: 1 }, registered_country: { iso_code: 'US' } },
  '198.51.100.7/32': { country: 'ch' },
  '203.0.113.0/24': { country_code: 'DE' },
  '10.0.0.0/8': { country: { geoname_id: 2 } },
})

async function fileWith(content: string | Buffer): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'sluice-country-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  const file = path.join(folder, 'countries')
  await writeFile(file, content)
  return file
}

test.each<[string, string | Buffer, Record<string, string | undefined>]>([
  [
    'lines',
    LIST,
    {
      ...{ '192.0.2.7': 'NZ', '192.0.2.200': 'AU', '198.51.100.7': 'CH', '198.51.100.8': undefined },
      ...{
        '2001:db8:2::1': 'DE',
        '2001:db8:1::1': 'FR',
        '2001:db9::': undefined,
        '': undefined,
        nowhere: undefined,
      },
    },
  ],
  [
    'a database',
    DATABASE,
    {
      ...{ '192.0.2.7': 'NZ', '198.51.100.7': 'CH', '203.0.113.9': 'DE', '10.1.2.3': undefined },
      ...{ '198.51.100.8': undefined, '2001:db8::1': undefined, '': undefined, nowhere: undefined },
    },
  ],
])('a file of %s says where addresses are', async (_, content, expected) => {
  const countries = new CountryFile({
    file: await fileWith(content),
    log: { info: () => {}, error: () => {} },
  })
  onTestFinished(() => countries.close())
  const both = [1, 2].map(() => Object.fromEntries(Object.keys(expected).map(at => [at, countries.of(at)])))
  expect([countries.isThere, ...both]).toEqual([true, expected, expected])
})

test.each([
  ['a line that is none', '192.0.2.0/24,NZ\n192.0.2.300,NZ\n', 'line 2 is none of "network,country"'],
  ['a country that is none', 'network,country\n192.0.2.0/24,Neuseeland\n', 'line 2 is none of'],
  ['a file of nothing', 'network,country\n', 'it names no network'],
  ['a database that is cut', DATABASE.subarray(-300), 'the database is cut'],
])('%s is told', async (_, content, why) => {
  const file = await fileWith(content)
  expect(() => readCountryFile(file)).toThrow(why)
  expect(() => readCountryFile(file)).toThrow(`The country file ${file} cannot be read`)
})

test('a file that changes is read again, and one that is broken leaves what was there', async () => {
  const file = await fileWith('192.0.2.0/24,NZ\n')
  const lines: string[] = []
  const log = {
    info: (_: object, text: string) => void lines.push(text),
    error: (_: object, text: string) => void lines.push(text),
  }
  const countries = new CountryFile({ file, log })
  onTestFinished(() => countries.close())
  const replace = async (content: string | Buffer): Promise<string | undefined> => {
    await writeFile(`${file}.new`, content)
    await rename(`${file}.new`, file)
    process.emit('SIGHUP')
    return countries.of('192.0.2.7')
  }
  expect(countries.of('192.0.2.7')).toBe('NZ')
  expect(await replace('192.0.2.0/24,AU\n')).toBe('AU')
  expect(await replace('x\ny')).toBe('AU')
  expect(await replace(DATABASE)).toBe('NZ')
  expect(lines).toEqual([
    'the country file was replaced',
    expect.stringMatching(/line 2 .* What was there before holds until then\.$/),
    'the country file was replaced',
  ])
})

test('where there is none nothing is known, until there is one', async () => {
  const file = await fileWith('')
  await rm(file)
  const countries = new CountryFile({ file, log: { info: () => {}, error: () => {} } })
  onTestFinished(() => countries.close())
  expect([countries.isThere, countries.of('192.0.2.7')]).toEqual([false, undefined])
  await writeFile(file, '192.0.2.0/24,NZ\n')
  countries.look()
  expect([countries.isThere, countries.of('192.0.2.7')]).toEqual([true, 'NZ'])
})

test.each<[string, string | Buffer]>([
  ['lines', '192.0.2.0/24,NZ,-36.9,174.8\n198.51.100.0/24,,48.9,2.4\n203.0.113.0/24,DE,a,b\n'],
  [
    'a database',
    countryDatabase({
      '192.0.2.0/24': { country: 'NZ', location: { latitude: 10, longitude: 20 } },
      '198.51.100.0/24': { location: { latitude: 48, longitude: 2 } },
      '203.0.113.0/24': { country: 'DE', location: { latitude: 91, longitude: 2 } },
    }),
  ],
])('a file of %s may say where in degrees that is, of those that have them', async (kind, content) => {
  const countries = new CountryFile({
    file: await fileWith(content),
    log: { info: () => {}, error: () => {} },
  })
  onTestFinished(() => countries.close())
  const said =
    kind === 'lines'
      ? [
          { latitude: -36.9, longitude: 174.8 },
          { latitude: 48.9, longitude: 2.4 },
        ]
      : [
          { latitude: 10, longitude: 20 },
          { latitude: 48, longitude: 2 },
        ]
  expect(['192.0.2.7', '198.51.100.7', '203.0.113.7', '10.0.0.1'].map(each => countries.place(each))).toEqual(
    [{ country: 'NZ', location: said[0] }, { location: said[1] }, { country: 'DE' }, {}],
  )
})
