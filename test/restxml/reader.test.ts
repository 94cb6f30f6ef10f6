import {
  CreateFunctionCommand,
  CreateKeyGroupCommand,
  CreatePublicKeyCommand,
  DescribeFunctionCommand,
  CreateRealtimeLogConfigCommand,
  CreateInvalidationCommand,
  ListDistributionsCommand,
  ListTagsForResourceCommand,
  PublishFunctionCommand,
  TagResourceCommand,
  UntagResourceCommand,
  CreateDistributionCommand,
  CreateDistributionWithTagsCommand,
  UpdateDistributionCommand,
  UpdateFunctionCommand,
} from '@aws-sdk/client-cloudfront'
import { describe, expect, test } from 'vitest'
import { RestFault } from '../../src/restxml/index.ts'
import { readBack, type Sent } from './cloudfront.ts'
import { DISTRIBUTION } from './distribution.ts'
import { serialised } from './sdk.ts'

const ARN = 'arn:aws:cloudfront::000000000000:distribution/E1ABC'
const PEM = '-----BEGIN PUBLIC KEY-----\nMIIB\n-----END PUBLIC KEY-----\n'

describe("what AWS's own client writes is read as it was meant", () => {
  test.each([
    ['CreateDistribution', new CreateDistributionCommand({ DistributionConfig: DISTRIBUTION })],
    [
      'CreateDistributionWithTags',
      new CreateDistributionWithTagsCommand({
        DistributionConfigWithTags: {
          DistributionConfig: DISTRIBUTION,
          Tags: {
            Items: [
              { Key: 'env', Value: 'prod' },
              { Key: 'empty', Value: '' },
            ],
          },
        },
      }),
    ],
    [
      'UpdateDistribution',
      new UpdateDistributionCommand({ Id: 'E1ABC', IfMatch: 'E2QWR', DistributionConfig: DISTRIBUTION }),
    ],
    ['ListDistributions', new ListDistributionsCommand({ Marker: 'E1', MaxItems: 10 })],
    [
      'CreateInvalidation',
      new CreateInvalidationCommand({
        DistributionId: 'E1ABC',
        InvalidationBatch: {
          Paths: { Quantity: 2, Items: ['/vod/42/*', '/live/a b & <c>.m3u8'] },
          CallerReference: 'inv-1',
        },
      }),
    ],
    [
      'CreatePublicKey',
      new CreatePublicKeyCommand({
        PublicKeyConfig: { CallerReference: 'pk', Name: 'n', EncodedKey: PEM, Comment: ' é 🎬\r\n ' },
      }),
    ],
    [
      'CreateKeyGroup',
      new CreateKeyGroupCommand({ KeyGroupConfig: { Name: 'kg', Items: ['K2JC'], Comment: '' } }),
    ],
    [
      'CreateFunction',
      new CreateFunctionCommand({
        Name: 'f1',
        FunctionConfig: { Comment: 'c', Runtime: 'cloudfront-js-2.0' },
        FunctionCode: Buffer.from('function handler(event){return event.request;}'),
      }),
    ],
    [
      'UpdateFunction',
      new UpdateFunctionCommand({
        Name: 'f 1/%',
        IfMatch: 'E',
        FunctionConfig: { Comment: 'c', Runtime: 'cloudfront-js-2.0' },
        FunctionCode: Buffer.from([0, 255, 10]),
      }),
    ],
    ['DescribeFunction', new DescribeFunctionCommand({ Name: 'f1', Stage: 'DEVELOPMENT' })],
    ['PublishFunction', new PublishFunctionCommand({ Name: 'f1', IfMatch: 'E' })],
    ['TagResource', new TagResourceCommand({ Resource: ARN, Tags: { Items: [{ Key: 'a', Value: 'b' }] } })],
    ['UntagResource', new UntagResourceCommand({ Resource: ARN, TagKeys: { Items: ['a'] } })],
    ['ListTagsForResource', new ListTagsForResourceCommand({ Resource: ARN })],
    [
      'CreateRealtimeLogConfig',
      new CreateRealtimeLogConfigCommand({
        EndPoints: [{ StreamType: 'Kinesis', KinesisStreamConfig: { RoleARN: 'r', StreamARN: 's' } }],
        Fields: ['timestamp'],
        Name: 'rt',
        SamplingRate: 100,
      }),
    ],
  ])('%s', async (name, command) => {
    expect(readBack(await serialised(command))).toEqual({ name, input: command.input })
  })
})

const NS = 'xmlns="http://cloudfront.amazonaws.com/doc/2020-05-31/"'
const create = (body: string): Sent => ({ method: 'POST', target: '/2020-05-31/public-key', body })
const key = (inside: string): Sent => create(`<PublicKeyConfig ${NS}>${inside}</PublicKeyConfig>`)
const invalidate = (inside: string): Sent => ({
  method: 'POST',
  target: '/2020-05-31/distribution/E1/invalidation',
  body: `<InvalidationBatch ${NS}>${inside}</InvalidationBatch>`,
})
const GOOD = '<CallerReference>r</CallerReference><Name>n</Name><EncodedKey>k</EncodedKey>'
const CONFIG = { CallerReference: 'r', Name: 'n', EncodedKey: 'k' }

describe('how a document is written makes no difference', () => {
  test.each<[string, Sent]>([
    ['as it is', key(GOOD)],
    ['in another order', key('<EncodedKey>k</EncodedKey><Name>n</Name><CallerReference>r</CallerReference>')],
    [
      'with a declaration',
      create(`<?xml version="1.0" encoding="UTF-8"?>\n<PublicKeyConfig>${GOOD}</PublicKeyConfig>`),
    ],
    ['with a mark in front', create(`\uFEFF<PublicKeyConfig ${NS}>${GOOD}</PublicKeyConfig>`)],
    ['without a namespace', create(`<PublicKeyConfig>${GOOD}</PublicKeyConfig>`)],
    ['with space between elements', key(`\r\n  ${GOOD.replaceAll('><', '>\n <')}\n`)],
    ['with comments', key(`<!-- a <b> & c -->${GOOD.replace('>r<', '><!-- -->r<')}`)],
    ['with CDATA', key(GOOD.replace('>n<', '><![CDATA[n]]><'))],
    ['with references', key(GOOD.replace('>n<', '>&#110;<').replace('>k<', '>&#x6B;<'))],
    ['with attributes', key(GOOD.replace('<Name>', '<Name a="b>" c=\'d\'>'))],
  ])('%s', (_, sent) => {
    expect(readBack(sent).input).toEqual({ PublicKeyConfig: CONFIG })
  })

  test('an empty element may be written in two ways', () => {
    for (const comment of ['<Comment></Comment>', '<Comment/>', '<Comment />'])
      expect(readBack(key(GOOD + comment)).input).toEqual({ PublicKeyConfig: { ...CONFIG, Comment: '' } })
  })

  test('text is neither trimmed nor taken for a number or a reference twice', () => {
    for (const [written, meant] of [
      ['  00123 ', '  00123 '],
      ['&amp;lt;', '&lt;'],
      ['<![CDATA[&amp;]]>', '&amp;'],
      ['a<![CDATA[<b>]]>c', 'a<b>c'],
      ['-----BEGIN&#x0A;X', '-----BEGIN\nX'],
      ['&#13;&#xd;', '\r\r'],
      ['true', 'true'],
      ['&lt;&gt;&quot;&apos;', `<>"'`],
    ])
      expect(readBack(key(`${GOOD}<Comment>${written}</Comment>`)).input).toEqual({
        PublicKeyConfig: { ...CONFIG, Comment: meant },
      })
  })
})

function faultOf(sent: Sent): string {
  try {
    readBack(sent)
  } catch (error) {
    if (error instanceof RestFault) return `${error.status} ${error.code}: ${error.message}`
    throw error
  }
  return 'none'
}

describe('what cannot be meant is refused and named', () => {
  const billion = '<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>'
  const nested = (depth: number): string => '<a>'.repeat(depth) + '</a>'.repeat(depth)
  test.each<[string, Sent, string]>([
    ['nothing', create(''), '400 MissingBody: this operation needs a document: send it as the body'],
    [
      'no XML',
      create('{"Name":"n"}'),
      "400 MalformedXML: the XML is not well-formed: char '{' is not expected.",
    ],
    [
      'text alone',
      create('hello'),
      "400 MalformedXML: the XML is not well-formed: char 'h' is not expected.",
    ],
    [
      'an element that does not end',
      create('<PublicKeyConfig><Name>'),
      '400 MalformedXML: the XML is not well-formed: Invalid \'[ "PublicKeyConfig", "Name"]\' found.',
    ],
    [
      'an end without its element',
      key('</Name>'),
      "400 MalformedXML: the XML is not well-formed: Expected closing tag 'PublicKeyConfig' (opened in line 1, col 1) instead of closing tag 'Name'.",
    ],
    [
      'two roots',
      create(`<PublicKeyConfig>${GOOD}</PublicKeyConfig><PublicKeyConfig/>`),
      '400 MalformedXML: the XML is not well-formed: there is not exactly one outermost element',
    ],
    [
      'a comment without an end',
      key(`${GOOD}<!-- `),
      "400 MalformedXML: the XML is not well-formed: Unclosed tag 'PublicKeyConfig'.",
    ],
    [
      'entities of its own',
      create(`${billion}<PublicKeyConfig>&b;</PublicKeyConfig>`),
      '400 MalformedXML: the XML has a document type or an entity of its own, which is not taken here',
    ],
    [
      'a document type elsewhere',
      create('<!doctype PublicKeyConfig SYSTEM "file:///etc/passwd"><PublicKeyConfig/>'),
      '400 MalformedXML: the XML has a document type or an entity of its own, which is not taken here',
    ],
    [
      'a reference of HTML',
      key(GOOD.replace('>n<', '>&nbsp;<')),
      '400 MalformedXML: the XML has a reference that XML does not have',
    ],
    [
      'an & alone',
      key(GOOD.replace('>n<', '>a & b<')),
      "400 MalformedXML: the XML is not well-formed: char '&' is not expected.",
    ],
    [
      'a reference to no character',
      key(GOOD.replace('>n<', '>&#0;<')),
      '400 MalformedXML: the XML refers to a character that XML does not have',
    ],
    [
      'half a character',
      key(GOOD.replace('>n<', '>&#xD800;<')),
      '400 MalformedXML: the XML refers to a character that XML does not have',
    ],
    [
      'a control character',
      key(GOOD.replace('>n<', '>\u0000<')),
      '400 MalformedXML: the XML holds a character that XML does not have',
    ],
    [
      'Latin 1',
      { ...create(''), body: Buffer.from(`<PublicKeyConfig>é</PublicKeyConfig>`, 'latin1') },
      '400 MalformedXML: the XML is not UTF-8',
    ],
    [
      'depth',
      create(nested(60)),
      '400 MalformedXML: the XML is not well-formed: Maximum nested tags exceeded',
    ],
    [
      'another document',
      create('<KeyGroupConfig/>'),
      '400 MalformedXML: the document is <KeyGroupConfig>, where <PublicKeyConfig> is taken',
    ],
    [
      'a prefix',
      create(`<c:PublicKeyConfig xmlns:c="x">${GOOD}</c:PublicKeyConfig>`),
      '400 MalformedXML: the document is <c:PublicKeyConfig>, where <PublicKeyConfig> is taken',
    ],
    [
      'an unknown element',
      key(`${GOOD}<Colour>red</Colour>`),
      '400 MalformedXML: PublicKeyConfig holds <Colour>, which is unknown there',
    ],
    [
      'a name of JavaScript',
      key(`${GOOD}<hasOwnProperty>red</hasOwnProperty>`),
      '400 MalformedXML: PublicKeyConfig holds <__hasOwnProperty>, which is unknown there',
    ],
    [
      'an element twice',
      key(`${GOOD}<Name>m</Name>`),
      '400 MalformedXML: PublicKeyConfig holds <Name> twice',
    ],
    [
      'an element in a text',
      key(GOOD.replace('>n<', '><b>n</b><')),
      '400 MalformedXML: PublicKeyConfig.Name holds <b>, not text',
    ],
    [
      'text beside elements',
      key(`${GOOD}n`),
      '400 MalformedXML: the XML has text beside <CallerReference>, where only elements are taken',
    ],
    [
      'text in place of elements',
      key('n'),
      '400 MalformedXML: PublicKeyConfig holds text, where only elements are taken',
    ],
    [
      'something missing',
      key('<CallerReference>r</CallerReference><EncodedKey>k</EncodedKey>'),
      '400 MalformedXML: PublicKeyConfig.Name is missing',
    ],
    [
      'a count that is not true',
      invalidate(
        '<CallerReference>r</CallerReference><Paths><Quantity>2</Quantity><Items><Path>/</Path></Items></Paths>',
      ),
      '400 InconsistentQuantities: InvalidationBatch.Paths.Quantity says 2 and Items has 1',
    ],
    [
      'a count of nothing',
      invalidate('<CallerReference>r</CallerReference><Paths><Quantity>1</Quantity></Paths>'),
      '400 InconsistentQuantities: InvalidationBatch.Paths.Quantity says 1 and Items has 0',
    ],
    [
      'a word for a number',
      invalidate('<CallerReference>r</CallerReference><Paths><Quantity>one</Quantity></Paths>'),
      '400 MalformedXML: InvalidationBatch.Paths.Quantity is no number',
    ],
    [
      'a number that no machine counts',
      invalidate('<CallerReference>r</CallerReference><Paths><Quantity>1e309</Quantity></Paths>'),
      '400 MalformedXML: InvalidationBatch.Paths.Quantity is no number',
    ],
    [
      'a strange element in a list',
      invalidate(
        '<CallerReference>r</CallerReference><Paths><Quantity>1</Quantity><Items><P>/</P></Items></Paths>',
      ),
      '400 MalformedXML: InvalidationBatch.Paths.Items holds <P>, where only <Path> is taken',
    ],
    [
      'a document where none is taken',
      { method: 'GET', target: '/2020-05-31/distribution/E1', body: '<x/>' },
      '400 MalformedXML: this operation takes no document',
    ],
    [
      'no number in the query',
      { method: 'GET', target: '/2020-05-31/distribution?MaxItems=ten' },
      '400 InvalidArgument: MaxItems is no number',
    ],
    [
      'a parameter twice',
      { method: 'GET', target: '/2020-05-31/distribution?MaxItems=1&MaxItems=2' },
      '400 InvalidArgument: MaxItems stands in the query 2 times',
    ],
    [
      'a parameter that is missing',
      { method: 'GET', target: '/2020-05-31/tagging' },
      '400 InvalidArgument: Resource is missing',
    ],
    [
      'an escape that is none',
      { method: 'GET', target: '/2020-05-31/distribution/%zz' },
      '400 InvalidArgument: the address has an escape that is none',
    ],
    [
      'an escape in the query that is none',
      { method: 'GET', target: '/2020-05-31/distribution?Marker=%' },
      '400 InvalidArgument: the address has an escape that is none',
    ],
    [
      'no base64',
      {
        method: 'POST',
        target: '/2020-05-31/function/f/test',
        headers: { 'if-match': 'E' },
        body: '<TestFunctionRequest><EventObject>*</EventObject></TestFunctionRequest>',
      },
      '400 MalformedXML: TestFunctionRequest.EventObject is no base64',
    ],
    [
      'neither true nor false',
      {
        method: 'PUT',
        target: '/2020-05-31/distribution/E1/config',
        body: '<DistributionConfig><Enabled>yes</Enabled></DistributionConfig>',
      },
      '400 MalformedXML: DistributionConfig.Enabled is neither true nor false',
    ],
  ])('%s', (_, sent, fault) => {
    expect(faultOf(sent)).toBe(fault)
  })
})
