import { describe, expect, test } from 'vitest'
import { parsePolicy } from '../../src/signing/index.ts'

const parse = (text: string) => parsePolicy(Buffer.from(text))
const TIME = '"DateLessThan":{"AWS:EpochTime":1798761600}'
const whole = (condition: string, resource = 'https://h/a') =>
  `{"Statement":[{"Resource":"${resource}","Condition":{${condition}}}]}`

describe('a policy is read', () => {
  test('with every condition', () => {
    const text = whole(
      `${TIME},"DateGreaterThan":{"AWS:EpochTime":1767225600},"IpAddress":{"AWS:SourceIp":"192.0.2.0/24"}`,
    )
    expect(parse(text)).toMatchObject({
      kind: 'policy',
      policy: {
        resource: { text: 'https://h/a', scheme: 'https' },
        opens: ['view'],
        expires: 1_798_761_600_000,
        notBefore: 1_767_225_600_000,
        address: { text: '192.0.2.0/24' },
      },
    })
  })

  test.each([
    ['a bare object', `{"Statement":{"Resource":"https://h/a","Condition":{${TIME}}}}`],
    ['white space', `\n{ "Statement" : [\t{"Resource": "https://h/a", "Condition": {${TIME}} } ] }\r\n`],
    ['escaped slashes, as PHP writes them', whole(TIME, 'https:\\/\\/h\\/a')],
    ['Unicode escapes', whole(TIME, 'https://\\u0068/a')],
    ['conditions in another order', `{"Statement":[{"Condition":{${TIME}},"Resource":"https://h/a"}]}`],
  ])('with %s', (_name, text) => {
    expect(parse(text)).toMatchObject({ kind: 'policy', policy: { resource: { text: 'https://h/a' } } })
  })

  test.each([
    ['the escape of JSON', 'https://h/a\\\\?b=1'],
    ['the lone escape that the guide prints', 'https://h/a\\?b=1'],
  ])('with a literal question mark in %s', (_name, resource) => {
    expect(parse(whole(TIME, resource))).toMatchObject({
      policy: { resource: { text: 'https://h/a\\?b=1' } },
    })
  })
})

describe('what a policy opens follows from Action and Resource (SEAMS 8)', () => {
  const action = (resource: string, named: string | undefined) =>
    parse(
      `{"Statement":[{"Resource":"${resource}",${named === undefined ? '' : `"Action":${named},`}"Condition":{${TIME}}}]}`,
    )
  test.each([
    ['https://h/a', undefined, ['view']],
    ['*', undefined, ['view']],
    ['*://*/live/stage', undefined, ['view']],
    ['rtmp://h/live/stage', undefined, ['publish']],
    ['rtmps://h/live/stage', undefined, ['publish']],
    ['live/stage', undefined, ['publish']],
    ['https://h/a', '"play"', ['view']],
    ['https://h/a', '"publish"', []],
    ['*', '"publish"', []],
    ['*://*/live/stage', '["play","publish"]', ['view']],
    ['rtmp://h/live/stage', '"publish"', ['publish']],
    ['rtmp://h/live/stage', '["publish"]', ['publish']],
    ['rtmp://h/live/stage', '"play"', []],
    ['live/stage', '["play","publish"]', ['publish']],
  ])('%s with Action %s opens %s', (resource, named, opens) => {
    expect(action(resource, named)).toMatchObject({ kind: 'policy', policy: { opens } })
  })

  test.each(['"view"', '"Publish"', '[]', '["publish","delete"]', 'null', '1', '{}', '[["publish"]]'])(
    'Action %s is refused',
    named => {
      expect(action('rtmp://h/live/stage', named)).toEqual({
        kind: 'bad',
        why: 'Action is neither "play" nor "publish"',
      })
    },
  )
})

describe('a policy without Resource, where a key group lets it be one', () => {
  const lenient = (fields: string) =>
    parsePolicy(Buffer.from(`{"Statement":[{${fields}"Condition":{${TIME}}}]}`), {
      withoutResource: 'accept',
    })
  test.each([
    ['', ['view']],
    ['"Action":"play",', ['view']],
    ['"Action":["play","publish"],', ['view']],
    ['"Action":"publish",', []],
  ])('%s opens %s', (fields, opens) => {
    expect(lenient(fields)).toMatchObject({
      kind: 'policy',
      policy: { resource: { text: '', scheme: '*' }, opens, expires: 1_798_761_600_000 },
    })
  })

  test.each(['"Resource":"",', '"Resource":null,', '"Resource":[],', '"Resource":{},'])(
    'but %s is none',
    fields => {
      expect(lenient(fields)).toEqual({ kind: 'bad', why: 'Resource is not a text' })
    },
  )
})

describe('a policy is refused, with a sentence', () => {
  const time = (value: string) => whole(`"DateLessThan":{"AWS:EpochTime":${value}}`)
  const range = (value: string) => whole(`${TIME},"IpAddress":{"AWS:SourceIp":${value}}`)
  const notTime = 'DateLessThan is not a whole number of seconds since 1970'
  const notRange = 'IpAddress is not one range such as 192.0.2.0/24'
  const statement = `{"Resource":"https://h/a","Condition":{${TIME}}}`
  test.each([
    ['nothing', '', 'the policy is not JSON: not JSON at character 0'],
    ['not JSON', 'Policy', 'the policy is not JSON: not JSON at character 0'],
    ['cut short', whole(TIME).slice(0, -3), 'the policy is not JSON: "}" is missing at character 97'],
    [
      'something behind',
      `${whole(TIME)}x`,
      'the policy is not JSON: something follows the JSON at character 100',
    ],
    [
      'two policies',
      whole(TIME).repeat(2),
      'the policy is not JSON: something follows the JSON at character 100',
    ],
    ['a byte order mark', `\ufeff${whole(TIME)}`, 'the policy is not JSON: not JSON at character 0'],
    ['a trailing comma', whole(`${TIME},`), 'the policy is not JSON: a string is missing at character 97'],
    ['a comment', `/**/${whole(TIME)}`, 'the policy is not JSON: not JSON at character 0'],
    [
      'single quotes',
      whole(TIME).replaceAll('"', "'"),
      'the policy is not JSON: a string is missing at character 1',
    ],
    [
      'an unknown escape',
      whole(TIME, 'https://h/\\*'),
      'the policy is not JSON: an unknown escape at character 39',
    ],
    [
      'a raw line feed in a text',
      whole(TIME, 'a\nb'),
      'the policy is not JSON: a string does not end or holds a control character',
    ],
    ['endless nesting', '['.repeat(4000), 'the policy is not JSON: the JSON is nested more than 8 deep'],
    ['null', 'null', 'the policy is missing or not an object'],
    ['an array', '[]', 'the policy is missing or not an object'],
    ['a text', '"Statement"', 'the policy is missing or not an object'],
    [
      'a field beside Statement',
      `{"Statement":[${statement}],"Version":"2012-10-17"}`,
      'the policy has a field that is not known here: "Version"',
    ],
    ['no statement', '{}', 'Statement is missing or not an object'],
    ['no statement in the array', '{"Statement":[]}', 'a policy has exactly one statement, this one has 0'],
    [
      'two statements',
      `{"Statement":[${statement},${statement}]}`,
      'a policy has exactly one statement, this one has 2',
    ],
    [
      'Statement twice',
      `{"Statement":[${statement}],"Statement":[${statement}]}`,
      'the policy is not JSON: "Statement" stands twice',
    ],
    [
      'Statement twice, one escaped',
      `{"Statement":[${statement}],"State\\u006dent":[${statement}]}`,
      'the policy is not JSON: "Statement" stands twice',
    ],
    [
      'another spelling',
      `{"statement":[${statement}]}`,
      'the policy has a field that is not known here: "statement"',
    ],
    [
      'Effect',
      `{"Statement":[{"Effect":"Allow","Resource":"*","Condition":{${TIME}}}]}`,
      'Statement has a field that is not known here: "Effect"',
    ],
    [
      'no Resource',
      `{"Statement":[{"Condition":{${TIME}}}]}`,
      'the policy has no Resource, which would open everything',
    ],
    ['an empty Resource', whole(TIME, ''), 'Resource is not a text'],
    [
      'several resources',
      `{"Statement":[{"Resource":["*"],"Condition":{${TIME}}}]}`,
      'Resource is not a text',
    ],
    [
      'Resource twice',
      `{"Statement":[{"Resource":"a","Resource":"*","Condition":{${TIME}}}]}`,
      'the policy is not JSON: "Resource" stands twice',
    ],
    ['no Condition', '{"Statement":[{"Resource":"*"}]}', 'Condition is missing or not an object'],
    ['no DateLessThan', whole(''), 'DateLessThan is missing or not an object'],
    [
      'only DateGreaterThan',
      whole('"DateGreaterThan":{"AWS:EpochTime":1}'),
      'DateLessThan is missing or not an object',
    ],
    [
      'an unknown condition',
      whole(`${TIME},"StringEquals":{}`),
      'Condition has a field that is not known here: "StringEquals"',
    ],
    [
      'an unknown time',
      whole('"DateLessThan":{"EpochTime":1}'),
      'DateLessThan has a field that is not known here: "EpochTime"',
    ],
    ['a quoted time', time('"1798761600"'), notTime],
    ['a fraction of a second', time('1798761600.5'), notTime],
    ['milliseconds', time('1798761600000'), notTime],
    ['a negative time', time('-1'), notTime],
    ['a huge time', time('1e400'), notTime],
    ['no number', time('null'), notTime],
    ['a leading zero', time('01798761600'), 'the policy is not JSON: "}" is missing at character 86'],
    ['two ranges', range('["192.0.2.0/24","198.51.100.0/24"]'), notRange],
    ['no range', range('""'), notRange],
    ['a name', range('"localhost"'), notRange],
    ['a prefix too long', range('"192.0.2.0/33"'), notRange],
    ['an empty prefix', range('"192.0.2.0/"'), notRange],
    ['two prefixes', range('"192.0.2.0/24/24"'), notRange],
    ['octets in octal', range('"192.0.02.0/24"'), notRange],
    ['a short address', range('"192.0.2/24"'), notRange],
    ['DateLessThan twice', whole(`${TIME},${TIME}`), 'the policy is not JSON: "DateLessThan" stands twice'],
  ])('%s', (_name, text, why) => {
    expect(parse(text)).toEqual({ kind: 'bad', why })
  })

  test('8 KiB is the most', () => {
    const padded = (length: number) => whole(TIME).padEnd(length, ' ')
    expect(parse(padded(8192)).kind).toBe('policy')
    expect(parse(padded(8193))).toEqual({ kind: 'bad', why: 'the policy has more than 8192 bytes' })
  })

  test('broken UTF-8 names nothing that exists', () => {
    const bytes = Buffer.from(whole(TIME, 'https://h/aXb'))
    bytes[bytes.indexOf('X')] = 0xff
    expect(parsePolicy(bytes)).toMatchObject({ policy: { resource: { text: 'https://h/a\ufffdb' } } })
  })

  test('names of built-in properties are names like any other', () => {
    expect(parse('{"__proto__":{"Statement":[]}}')).toEqual({
      kind: 'bad',
      why: 'the policy has a field that is not known here: "__proto__"',
    })
  })
})
