import { describe, expect, it } from 'vitest'
import { parseDirectives, renderDirectives, type Directives } from '../../src/hls/index.ts'

describe('delivery directives', () => {
  it.each<[string, Directives, string]>([
    ['', { until: undefined, skip: 'none' }, ''],
    ['_HLS_msn=7', { until: { sequence: 7, part: undefined }, skip: 'none' }, '_HLS_msn=7'],
    ['_HLS_msn=0&_HLS_part=0', { until: { sequence: 0, part: 0 }, skip: 'none' }, '_HLS_msn=0&_HLS_part=0'],
    [
      '_HLS_skip=v2&_HLS_part=3&_HLS_msn=1790000000',
      { until: { sequence: 1_790_000_000, part: 3 }, skip: 'segments' },
      '_HLS_msn=1790000000&_HLS_part=3&_HLS_skip=YES',
    ],
    ['_HLS_skip=YES', { until: undefined, skip: 'segments' }, '_HLS_skip=YES'],
    [
      'CMCD=bl%3D1&&token=a=b&_HLS_msn=7&_HLS_other=x&_hls_part=-1&msn=-1',
      { until: { sequence: 7, part: undefined }, skip: 'none' },
      '_HLS_msn=7',
    ],
  ])('reads %j and has one spelling for it', (query, directives, spelling) => {
    expect(parseDirectives(query)).toEqual({ kind: 'ok', directives })
    expect(renderDirectives(directives)).toBe(spelling)
  })

  it.each([
    ['_HLS_part=1', '_HLS_part needs _HLS_msn'],
    ['_HLS_msn=1&_HLS_msn=1', '_HLS_msn stands there twice'],
    ['_HLS_skip=YES&_HLS_skip=YES', '_HLS_skip stands there twice'],
    ['_HLS_msn', '_HLS_msn is not a whole number'],
    ['_HLS_msn=', '_HLS_msn is not a whole number'],
    ['_HLS_msn=-1', '_HLS_msn is not a whole number'],
    ['_HLS_msn=+1', '_HLS_msn is not a whole number'],
    ['_HLS_msn=1.5', '_HLS_msn is not a whole number'],
    ['_HLS_msn=1e3', '_HLS_msn is not a whole number'],
    ['_HLS_msn=0x1', '_HLS_msn is not a whole number'],
    ['_HLS_msn=007', '_HLS_msn is not a whole number'],
    ['_HLS_msn=%31', '_HLS_msn is not a whole number'],
    ['_HLS_msn=1=2', '_HLS_msn is not a whole number'],
    ['_HLS_msn=1234567890123456', '_HLS_msn is not a whole number'],
    ['_HLS_msn=1&_HLS_part=x', '_HLS_part is not a whole number'],
    ['_HLS_msn=1&_HLS_part=-1', '_HLS_part is not a whole number'],
    ['_HLS_skip=NO', '_HLS_skip is neither YES nor v2'],
    ['_HLS_skip', '_HLS_skip is neither YES nor v2'],
  ])('refuses %j', (query, why) => {
    expect(parseDirectives(query)).toEqual({ kind: 'bad', why })
  })
})
