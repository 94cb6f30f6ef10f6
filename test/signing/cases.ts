import type { GrantReason } from '../../src/core/index.ts'
import type { Action } from '../../src/signing/index.ts'
import type { TrustOptions } from './edge.ts'

/**
 * What opens what, and where that is written: a page of the CloudFront Developer Guide with its rule, SEAMS.md, or
 * "extension" where CloudFront knows nothing of it.
 */
const URL_PAGE = 'private-content-creating-signed-url-custom-policy'
const CANNED_PAGE = 'private-content-creating-signed-url-canned-policy'
const COOKIE_PAGE = 'private-content-setting-signed-cookie-custom-policy'
const CHOOSING_PAGE = 'private-content-choosing-signed-urls-cookies'

const SCHEME = `${URL_PAGE}: Resource begins with http://, https:// or *://`
const CHARACTERS = `${URL_PAGE}: * is any run of characters, ? is one, \\? is a question mark`
const SECTIONS = `${URL_PAGE}: a wildcard does not cross its section`
const TRAILING = `${URL_PAGE}: what a trailing * and a missing protocol imply`
const EXAMPLE = `${URL_PAGE}: the example of game_download.zip`
const CNAME = `${URL_PAGE}: with a CNAME in Resource the viewer must use it`
const FOLDER = `${CHOOSING_PAGE}: all files of a video in HLS format`
const COPIED = "@aws-sdk/cloudfront-signer: a URL's own parameters are copied with a plain ?"
const STREAMS = `${URL_PAGE} (2017): the stream name of an RTMP distribution`
const HOSTS = 'RFC 9110 §4.2.3: hosts have no case'

type ResourceCase = [source: string, resource: string, url: string, covered: 'yes' | 'no']

export const RESOURCE_CASES: ResourceCase[] = [
  [SCHEME, 'http://h/a', 'http://h/a', 'yes'],
  [SCHEME, 'https://h/a', 'https://h/a', 'yes'],
  [SCHEME, 'http://h/a', 'https://h/a', 'no'],
  [SCHEME, 'https://h/a', 'http://h/a', 'no'],
  [SCHEME, '*://h/a', 'http://h/a', 'yes'],
  [SCHEME, '*://h/a', 'https://h/a', 'yes'],
  [SCHEME, 'http*://h/a', 'http://h/a', 'no'],
  [SCHEME, 'http*://h/a', 'https://h/a', 'no'],
  [SCHEME, 'http?://h/a', 'https://h/a', 'no'],
  [SCHEME, '?ttp://h/a', 'http://h/a', 'no'],
  [SCHEME, 'HTTP://h/a', 'http://h/a', 'no'],
  [SCHEME, 'h/a', 'http://h/a', 'no'],
  [SCHEME, '/a', 'http://h/a', 'no'],
  [SCHEME, '//h/a', 'http://h/a', 'no'],
  [SCHEME, '', 'http://h/', 'no'],
  [SCHEME, 'ftp://h/a', 'http://h/a', 'no'],
  [SCHEME, ' http://h/a', 'http://h/a', 'no'],
  [SCHEME, 'http://h/a\n', 'http://h/a', 'no'],
  [SCHEME, 'http:/h/a', 'http://h/a', 'no'],
  [CHARACTERS, 'http://h/a*c', 'http://h/ac', 'yes'],
  [CHARACTERS, 'http://h/a*c', 'http://h/abc', 'yes'],
  [CHARACTERS, 'http://h/a*c', 'http://h/a/b/c', 'yes'],
  [CHARACTERS, 'http://h/a*c', 'http://h/abcd', 'no'],
  [CHARACTERS, 'http://h/a?c', 'http://h/abc', 'yes'],
  [CHARACTERS, 'http://h/a?c', 'http://h/a/c', 'yes'],
  [CHARACTERS, 'http://h/a?c', 'http://h/ac', 'no'],
  [CHARACTERS, 'http://h/a?c', 'http://h/abbc', 'no'],
  [CHARACTERS, 'http://h/a??c', 'http://h/abbc', 'yes'],
  [CHARACTERS, 'http://h/a?*c', 'http://h/abbbc', 'yes'],
  [CHARACTERS, 'http://h/a?*c', 'http://h/ac', 'no'],
  [CHARACTERS, 'http://h/a*?c', 'http://h/abc', 'yes'],
  [CHARACTERS, 'http://h/a**c', 'http://h/abc', 'yes'],
  [CHARACTERS, 'http://h/*.m3u8', 'http://h/x/index.m3u8', 'yes'],
  [CHARACTERS, 'http://h/*.m3u8', 'http://h/x/index.m4s', 'no'],
  [CHARACTERS, 'http://h/*a*b*c', 'http://h/xaxbxc', 'yes'],
  [CHARACTERS, 'http://h/*a*b*c', 'http://h/xcxbxa', 'no'],
  [CHARACTERS, 'http://h/*aab', 'http://h/aaaab', 'yes'],
  [CHARACTERS, 'http://h/a\\?b=1', 'http://h/a?b=1', 'yes'],
  [CHARACTERS, 'http://h/a\\?b=1', 'http://h/aXb=1', 'no'],
  [CHARACTERS, 'http://h/a\\?b=1', 'http://h/a', 'no'],
  [CHARACTERS, 'http://h/a\\?b=?', 'http://h/a?b=1', 'yes'],
  [CHARACTERS, 'http://h/a\\?b=?', 'http://h/a?b=12', 'no'],
  [CHARACTERS, 'http://h/a\\?b=\\?', 'http://h/a?b=?', 'yes'],
  [CHARACTERS, 'http://h/a\\?b=\\?', 'http://h/a?b=1', 'no'],
  [CHARACTERS, 'http://h/a\\?b=*', 'http://h/a?b=1&c=2', 'yes'],
  [CHARACTERS, 'http://h/A', 'http://h/a', 'no'],
  [CHARACTERS, 'http://h/.m3u8', 'http://h/xm3u8', 'no'],
  [CHARACTERS, 'http://h/(a|b)+[c]$', 'http://h/(a|b)+[c]$', 'yes'],
  [CHARACTERS, 'http://h/(a|b)', 'http://h/a', 'no'],
  [SECTIONS, 'https://www.example.com/hello*world', 'https://www.example.com/helloworld', 'yes'],
  [SECTIONS, 'https://www.example.com/hello*world', 'https://www.example.com/hello-world', 'yes'],
  [SECTIONS, 'https://www.example.com/hello*world', 'https://www.example.com/hello?world', 'no'],
  [SECTIONS, 'https://www.example.com/hello*world', 'https://www.example.com/hello/new/world', 'yes'],
  [SECTIONS, 'http://h/a?b', 'http://h/a?b', 'no'],
  [SECTIONS, 'http://h/a?b.ts', 'http://h/a?b.ts', 'no'],
  [SECTIONS, 'http://h*/a', 'http://h.example.com/a', 'yes'],
  [SECTIONS, 'http://h*/a', 'http://h/x/a', 'no'],
  [SECTIONS, 'http://*.example.com/a', 'http://media.example.com/a', 'yes'],
  [SECTIONS, 'http://*.example.com/a', 'http://example.com/a', 'no'],
  [SECTIONS, 'http://*.example.com/a', 'http://evil.com/.example.com/a', 'no'],
  [SECTIONS, 'http://*example.com/a', 'http://example.com/a', 'yes'],
  [SECTIONS, 'http://*example.com/a', 'http://evilexample.com/a', 'yes'],
  [SECTIONS, 'http://h?/a', 'http://h1/a', 'yes'],
  [SECTIONS, 'http://h?/a', 'http://h/a', 'no'],
  [SECTIONS, 'http://h/a*\\?x=1', 'http://h/abc?x=1', 'yes'],
  [SECTIONS, 'http://h/a*\\?x=1', 'http://h/abc?y=2&x=1', 'no'],
  [SECTIONS, 'http://h/a*\\?x=1', 'http://h/abc', 'no'],
  [SECTIONS, 'http://h/*/c', 'http://h/a?b=/c', 'no'],
  [SECTIONS, 'http://h\\?x=1', 'http://h/?x=1', 'yes'],
  [SECTIONS, 'http://h\\?x=1', 'http://h/a?x=1', 'no'],
  [TRAILING, 'http://h/a*', 'http://h/a', 'yes'],
  [TRAILING, 'http://h/a*', 'http://h/abc', 'yes'],
  [TRAILING, 'http://h/a*', 'http://h/abc?x=1', 'yes'],
  [TRAILING, 'http://h/a*', 'http://h/a?x=1', 'yes'],
  [TRAILING, 'http://h/a', 'http://h/a?x=1', 'no'],
  [TRAILING, 'http://h/a\\?*', 'http://h/a?x=1', 'yes'],
  [TRAILING, 'http://h/a\\?*', 'http://h/a', 'yes'],
  [TRAILING, 'http://h/a\\?*', 'http://h/ab', 'no'],
  [TRAILING, 'http://h*', 'http://h/', 'yes'],
  [TRAILING, 'http://h*', 'http://host.example.com/any/thing?x=1', 'yes'],
  [TRAILING, 'http://h*', 'http://g/', 'no'],
  [TRAILING, 'http://h', 'http://h/', 'yes'],
  [TRAILING, 'http://h', 'http://h/a', 'no'],
  [TRAILING, 'http://h/', 'http://h/', 'yes'],
  [TRAILING, 'http://h/', 'http://h/?x=1', 'no'],
  [TRAILING, 'https://*', 'https://any.example.com/any/thing?x=1', 'yes'],
  [TRAILING, 'https://*', 'http://any.example.com/any/thing', 'no'],
  [TRAILING, 'http://*/', 'http://any.example.com/', 'yes'],
  [TRAILING, 'http://*/', 'http://any.example.com/a', 'no'],
  [TRAILING, '*example.com', 'https://www.example.com/', 'yes'],
  [TRAILING, '*example.com', 'http://example.com/', 'yes'],
  [TRAILING, '*example.com', 'http://example.com/a', 'no'],
  [TRAILING, '*example.com', 'http://example.org/', 'no'],
  [TRAILING, '*example.com/a*', 'https://www.example.com/abc?x=1', 'yes'],
  [TRAILING, '*example.com*', 'https://www.example.com/abc?x=1', 'yes'],
  [TRAILING, '*', 'https://any.example.com/any/thing?x=1', 'yes'],
  [TRAILING, '*', 'http://127.0.0.1:8080/', 'yes'],
  [TRAILING, '*://*', 'https://any.example.com/any/thing?x=1', 'yes'],
  [TRAILING, '*/a', 'http://h/a', 'yes'],
  [TRAILING, '*/a', 'http://h/x/a', 'no'],
  [
    EXAMPLE,
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/game_download.zip',
    'yes',
  ],
  [
    EXAMPLE,
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/example_game_download.zip?license=yes',
    'yes',
  ],
  [
    EXAMPLE,
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/test_game_download.zip?license=temp',
    'yes',
  ],
  [
    EXAMPLE,
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/game.zip',
    'no',
  ],
  [
    EXAMPLE,
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/a?game_download.zip',
    'no',
  ],
  [FOLDER, 'https://h/live/ch1/*', 'https://h/live/ch1/index.m3u8', 'yes'],
  [FOLDER, 'https://h/live/ch1/*', 'https://h/live/ch1/v/1.m4s?_HLS_msn=3', 'yes'],
  [FOLDER, 'https://h/live/ch1/*', 'https://h/live/ch1', 'no'],
  [FOLDER, 'https://h/live/ch1/*', 'https://h/live/ch10/index.m3u8', 'no'],
  [FOLDER, 'https://h/live/ch1/*', 'https://h/live/ch/index.m3u8', 'no'],
  [FOLDER, 'https://h/live/ch1/*', 'https://h//live/ch1/index.m3u8', 'no'],
  [FOLDER, 'https://h/live/ch1/*', 'https://h/Live/ch1/index.m3u8', 'no'],
  [FOLDER, 'https://h/live/ch1*', 'https://h/live/ch10/index.m3u8', 'yes'],
  [FOLDER, 'https://h/f%C3%BCr/*', 'https://h/f%C3%BCr/a', 'yes'],
  [COPIED, 'https://h/a?size=large', 'https://h/a?size=large', 'yes'],
  [COPIED, 'https://h/a?size=large&x=1', 'https://h/a?size=large&x=1', 'yes'],
  [COPIED, 'https://h/a?size=large', 'https://h/a?size=small', 'no'],
  [COPIED, 'https://h/a?size=large', 'https://h/a', 'no'],
  [COPIED, 'https://h/a?size=*', 'https://h/a?size=any&x=1', 'yes'],
  [COPIED, 'https://h/live/*?token=1', 'https://h/live/a/b?token=1', 'yes'],
  [COPIED, 'https://h/live/*?token=1', 'https://h/live/a/b', 'no'],
  [COPIED, 'https://h/seg?.ts', 'https://h/seg?.ts', 'no'],
  [COPIED, 'https://h/seg?/a=1', 'https://h/seg?/a=1', 'no'],
  ['SEAMS 5', 'http://h/a', 'http://h:8080/a', 'yes'],
  ['SEAMS 5', 'http://h:8080/a', 'http://h:8080/a', 'yes'],
  ['SEAMS 5', 'http://h:8080/a', 'http://h:8081/a', 'no'],
  ['SEAMS 5', 'http://h:8080/a', 'http://h/a', 'no'],
  ['SEAMS 5', 'http://h:80/a', 'http://h/a', 'yes'],
  ['SEAMS 5', 'https://h:443/a', 'https://h/a', 'yes'],
  ['SEAMS 5', '*://h:443/a', 'http://h/a', 'no'],
  ['SEAMS 5', 'https://h:80/a', 'https://h/a', 'no'],
  ['SEAMS 5', 'http://h:80*/a', 'http://h:8080/a', 'yes'],
  ['SEAMS 5', 'http://h:*/a', 'http://h:8080/a', 'yes'],
  ['SEAMS 5', 'http://h:808?/a', 'http://h:8080/a', 'yes'],
  ['SEAMS 5', 'http://*:8080/a', 'http://any.example.com:8080/a', 'yes'],
  ['SEAMS 5', 'http://*:8080/a', 'http://any.example.com:9090/a', 'no'],
  ['SEAMS 5', 'http://h:x/a', 'http://h:8080/a', 'no'],
  ['SEAMS 5', 'http://[::1]/a', 'http://[::1]:8080/a', 'yes'],
  ['SEAMS 5', 'http://[::1]:8080/a', 'http://[::1]:8080/a', 'yes'],
  ['SEAMS 5', 'http://[::1]:8080/a', 'http://[::1]:8081/a', 'no'],
  ['SEAMS 5', 'http://[::1]/a', 'http://[::2]/a', 'no'],
  [HOSTS, 'http://Media.Example.COM/a', 'http://media.example.com/a', 'yes'],
  [HOSTS, 'http://media.example.com/a', 'http://MEDIA.example.com/a', 'yes'],
  [HOSTS, 'http://media.example.com/a', 'http://media.example.com.evil.com/a', 'no'],
  [HOSTS, 'http://media.example.com/a', 'http://xmedia.example.com/a', 'no'],
  [HOSTS, 'http://mediaxexample.com/a', 'http://media.example.com/a', 'no'],
  ['SEAMS 13', 'rtmp://h/live/stage', 'rtmp://h/live/stage', 'yes'],
  ['SEAMS 13', 'rtmp://h/live/stage', 'rtmps://h/live/stage', 'yes'],
  ['SEAMS 13', 'rtmps://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['SEAMS 13', 'rtmps://h/live/stage', 'rtmps://h:1936/live/stage', 'yes'],
  ['SEAMS 13', 'rtmp://*/live/stage', 'rtmp://127.0.0.1:1935/live/stage', 'yes'],
  ['SEAMS 13', 'rtmp://*/live/*', 'rtmp://h/live/other', 'yes'],
  ['SEAMS 13', 'rtmp://h/live/stage', 'rtmp://h/live/stage2', 'no'],
  ['SEAMS 13', 'rtmp://h:1935/live/stage', 'rtmp://h/live/stage', 'yes'],
  ['SEAMS 8', 'rtmp://h/live/stage', 'http://h/live/stage', 'no'],
  ['SEAMS 8', 'http://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['SEAMS 8', 'live/stage', 'rtmp://h/live/stage', 'yes'],
  ['SEAMS 8', 'live/stage', 'rtmps://any:1936/live/stage', 'yes'],
  ['SEAMS 8', 'live/*', 'rtmp://h/live/stage', 'yes'],
  ['SEAMS 8', 'live/stage', 'rtmp://h/live/stage2', 'no'],
  ['SEAMS 8', 'live/stage', 'http://h/live/stage', 'no'],
  ['SEAMS 8', 'stage', 'rtmp://h/live/stage', 'no'],
  ['SEAMS 8', '/live/stage', 'rtmp://h/live/stage', 'no'],
  [
    STREAMS,
    'videos/mediafile.flv\\?color=red&size=medium',
    'rtmp://h/videos/mediafile.flv?color=red&size=medium',
    'yes',
  ],
  [STREAMS, 'videos/mediafile.flv?color=red', 'rtmp://h/videos/mediafile.flv?color=red', 'yes'],
  [STREAMS, 'videos/mediafile.flv', 'rtmp://h/videos/mediafile.flv?color=red', 'no'],
  [CNAME, 'https://media.example.com/a', 'https://media.example.com/a', 'yes'],
  [CNAME, 'https://media.example.com/a', 'https://d111111abcdef8.cloudfront.net/a', 'no'],
  [CNAME, 'https://d111111abcdef8.cloudfront.net/a', 'https://media.example.com/a', 'no'],
  [CNAME, 'https://*/a', 'https://media.example.com/a', 'yes'],
  ['SEAMS 8', 'http*://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['SEAMS 8', 'rtmp*://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['SEAMS 8', 'rtmp*://h/live/stage', 'rtmp://x/rtmps://h/live/stage', 'no'],
  ['SEAMS 8', 'RTMP://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['SEAMS 8', 'h/live/stage', 'http://h/live/stage', 'no'],
  ['SEAMS 8', 'rtmp://h/live/stage', 'https://h/live/stage', 'no'],
  ['SEAMS 8', 'rtmps://h/live/*', 'https://h/live/stage/index.m3u8', 'no'],
]

/** What is signed, what is asked for with it, and the word that is told. */
export type ConditionCase = [
  source: string,
  /** The bytes that are signed; a canned policy is never sent. */
  policy: string,
  /**
   * Cookies carry the grant unless one of these stands in it: `$G` all parameters of a custom policy, `$C` of a canned
   * one, `$P`, `$E`, `$S`, `$K`, `$H` Policy, Expires, Signature, Key-Pair-Id and Hash-Algorithm, `$T` a path token.
   */
  asked: string,
  told: 'allowed' | 'bad-path' | GrantReason,
  more?: {
    address?: string
    action?: Action
    /** Milliseconds; some months before UNTIL unless given. */
    at?: number
    /** Signed with; SHA-256 unless given, and declared by `$G`, `$C` and cookies where it is that. */
    hash?: 'sha1'
    trust?: TrustOptions
  },
]

export const UNTIL = 1_798_761_600
const FROM = 1_767_225_600

const LESS = `${URL_PAGE}: DateLessThan`
const GREATER = `${URL_PAGE}: DateGreaterThan`
const RANGE = `${URL_PAGE}: IpAddress`
const ONE_RANGE = `${URL_PAGE}: one range only`
const STATEMENT = `${URL_PAGE}: exactly one statement, names as spelled`
const WITHOUT = `${URL_PAGE}: Resource may be left out`
const REBUILT = `${CANNED_PAGE}: the policy is made again from the URL as it was asked for`
const ORDER = `${CANNED_PAGE}: own parameters before Expires, rarely behind Key-Pair-Id`
const EXPIRES = `${CANNED_PAGE}: Expires in Unix seconds`
const ADDED = 'private-content-signed-urls: no parameter may be added after signing'
const PRECEDENCE = `${CHOOSING_PAGE}: any signing parameter makes it a signed URL`
const DIGEST = 'PrivateCFSignatureCodeAndExamples: Hash-Algorithm, SHA-1 when absent'
const EXTENSION = 'extension'

const until = (seconds: number): string => `"DateLessThan":{"AWS:EpochTime":${seconds}}`
const from = (seconds: number): string => `"DateGreaterThan":{"AWS:EpochTime":${seconds}}`
const seen = (cidr: string): string => `"IpAddress":{"AWS:SourceIp":"${cidr}"}`
const rest = `"Condition":{${until(UNTIL)}}`

/** A policy for `https://h/a*` unless another resource is named, as its JSON is written. */
function when(conditions: string, resource = 'https://h/a*'): string {
  return `{"Statement":[{"Resource":"${resource}","Condition":{${conditions}}}]}`
}

function on(resource: string): string {
  return when(until(UNTIL), resource)
}

function canned(url: string, expires = UNTIL): string {
  return when(until(expires), url)
}

function acting(resource: string, action: string): string {
  return `{"Statement":[{"Resource":"${resource}","Action":${action},${rest}}]}`
}

const NO_RESOURCE = `{"Statement":[{${rest}}]}`

export const CONDITION_CASES: ConditionCase[] = [
  [LESS, when(until(UNTIL)), 'https://h/a', 'allowed', { at: UNTIL * 1000 - 1 }],
  [LESS, when(until(UNTIL)), 'https://h/a', 'expired', { at: UNTIL * 1000 }],
  [LESS, when(until(UNTIL)), 'https://h/a', 'expired', { at: UNTIL * 1000 + 1 }],
  [LESS, when(until(0)), 'https://h/a', 'expired'],
  [LESS, when(from(FROM)), 'https://h/a', 'malformed'],
  [LESS, when(''), 'https://h/a', 'malformed'],
  [LESS, when('"DateLessThan":{"AWS:EpochTime":"1798761600"}'), 'https://h/a', 'malformed'],
  [LESS, when('"DateLessThan":{"AWS:EpochTime":1798761600000}'), 'https://h/a', 'malformed'],
  [LESS, when('"DateLessThan":{"AWS:EpochTime":1798761600.5}'), 'https://h/a', 'malformed'],
  [GREATER, when(`${until(UNTIL)},${from(FROM)}`), 'https://h/a', 'not-yet', { at: FROM * 1000 - 1 }],
  [GREATER, when(`${until(UNTIL)},${from(FROM)}`), 'https://h/a', 'not-yet', { at: FROM * 1000 }],
  [GREATER, when(`${until(UNTIL)},${from(FROM)}`), 'https://h/a', 'allowed', { at: FROM * 1000 + 1 }],
  [GREATER, when(`${from(FROM)},${until(UNTIL)}`), 'https://h/a', 'allowed'],
  [GREATER, when(`${until(FROM)},${from(UNTIL)}`), 'https://h/a', 'expired'],
  [GREATER, when(`${until(UNTIL)},${from(UNTIL)}`), 'https://h/a', 'not-yet'],
  [EXPIRES, canned('https://h/a'), 'https://h/a?$C', 'allowed', { at: UNTIL * 1000 - 1 }],
  [EXPIRES, canned('https://h/a'), 'https://h/a?$C', 'expired', { at: UNTIL * 1000 }],
  [EXPIRES, canned('https://h/a', 2_147_483_647), 'https://h/a?$C', 'allowed'],
  [EXTENSION, canned('https://h/a', 2_147_483_648), 'https://h/a?$C', 'allowed'],
  [EXPIRES, canned('https://h/a', 1_798_761_600_000), 'https://h/a?$C', 'malformed'],
  [EXPIRES, canned('https://h/a'), 'https://h/a?$E9&$S&$K&$H', 'bad-signature'],
  [EXPIRES, canned('https://h/a'), 'https://h/a?Expires=0&$S&$K&$H', 'malformed'],

  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.0/24')}`), 'https://h/a', 'allowed'],
  [
    RANGE,
    when(`${until(UNTIL)},${seen('192.0.2.0/24')}`),
    'https://h/a',
    'wrong-ip',
    { address: '192.0.3.7' },
  ],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.7/32')}`), 'https://h/a', 'allowed'],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.6/32')}`), 'https://h/a', 'wrong-ip'],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.7')}`), 'https://h/a', 'allowed'],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.99/24')}`), 'https://h/a', 'allowed'],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.128/25')}`), 'https://h/a', 'wrong-ip'],
  [RANGE, when(`${until(UNTIL)},${seen('0.0.0.0/0')}`), 'https://h/a', 'allowed'],
  [
    RANGE,
    when(`${until(UNTIL)},${seen('192.0.2.0/24')}`),
    'https://h/a',
    'allowed',
    { address: '::ffff:192.0.2.7' },
  ],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.0/24')}`), 'https://h/a', 'wrong-ip', { address: '' }],
  [RANGE, when(`${until(UNTIL)},${seen('192.0.2.0/33')}`), 'https://h/a', 'malformed'],
  [RANGE, when(`${until(UNTIL)},${seen('example.com')}`), 'https://h/a', 'malformed'],
  [ONE_RANGE, when(`${until(UNTIL)},${seen('192.0.2.0/24,198.51.100.0/24')}`), 'https://h/a', 'malformed'],
  [
    ONE_RANGE,
    when(`${until(UNTIL)},"IpAddress":{"AWS:SourceIp":["192.0.2.0/24","198.51.100.0/24"]}`),
    'https://h/a',
    'malformed',
  ],
  [
    ONE_RANGE,
    when(`${until(UNTIL)},${seen('192.0.2.0/24')},${seen('0.0.0.0/0')}`),
    'https://h/a',
    'malformed',
  ],
  [
    EXTENSION,
    when(`${until(UNTIL)},${seen('2001:db8::/32')}`),
    'https://h/a',
    'allowed',
    { address: '2001:db8:7::1' },
  ],
  [
    EXTENSION,
    when(`${until(UNTIL)},${seen('2001:db8::/32')}`),
    'https://h/a',
    'wrong-ip',
    { address: '2001:db9::1' },
  ],
  [EXTENSION, when(`${until(UNTIL)},${seen('2001:db8::/32')}`), 'https://h/a', 'wrong-ip'],
  [EXTENSION, when(`${until(UNTIL)},${seen('::/0')}`), 'https://h/a', 'wrong-ip'],
  [EXTENSION, when(`${until(UNTIL)},${seen('::ffff:192.0.2.0/120')}`), 'https://h/a', 'allowed'],
  [
    EXTENSION,
    when(`${until(UNTIL)},${seen('2001:DB8::7')}`),
    'https://h/a',
    'allowed',
    { address: '2001:db8:0:0::7' },
  ],
  [
    EXTENSION,
    when(`${until(UNTIL)},${seen('fe80::/10')}`),
    'https://h/a',
    'allowed',
    { address: 'fe80::1%eth0' },
  ],
  [
    EXTENSION,
    when(`${until(UNTIL)},${seen('2001:db8::/48')}`),
    'https://h/a',
    'wrong-ip',
    { address: '2001:db8:1::' },
  ],
  [EXTENSION, when(`${until(UNTIL)},${seen('2001:db8::/129')}`), 'https://h/a', 'malformed'],

  [
    STATEMENT,
    `{"Statement":{"Resource":"https://h/a","Condition":{${until(UNTIL)}}}}`,
    'https://h/a',
    'allowed',
  ],
  [
    STATEMENT,
    `{"Statement":[{"Resource":"*",${rest}},{"Resource":"*",${rest}}]}`,
    'https://h/a',
    'malformed',
  ],
  [STATEMENT, '{"Statement":[]}', 'https://h/a', 'malformed'],
  [STATEMENT, `{"Statement":[{"Resource":["https://h/a"],${rest}}]}`, 'https://h/a', 'malformed'],
  [STATEMENT, `{"Statement":[{"resource":"https://h/a",${rest}}]}`, 'https://h/a', 'malformed'],
  [
    STATEMENT,
    `{"Statement":[{"Resource":"https://h/b","Resource":"*",${rest}}]}`,
    'https://h/a',
    'malformed',
  ],
  [
    STATEMENT,
    `{"Statement":[{"Resource":"https://h/b","R\\u0065source":"*",${rest}}]}`,
    'https://h/a',
    'malformed',
  ],
  [STATEMENT, when(`${until(UNTIL)},${until(FROM)}`), 'https://h/a', 'malformed'],
  [STATEMENT, when(`${until(UNTIL)},"StringLike":{}`), 'https://h/a', 'malformed'],
  [STATEMENT, `{"Statement":[{"Effect":"Allow","Resource":"*",${rest}}]}`, 'https://h/a', 'malformed'],
  [STATEMENT, ` {\n"Statement": [\t${on('*').slice(14, -2)} ]\r\n} `, 'https://h/a', 'allowed'],
  [STATEMENT, on('*').padEnd(8192), 'https://h/a', 'allowed'],
  [STATEMENT, on('*').padEnd(8193), 'https://h/a', 'malformed'],
  [STATEMENT, 'members', 'https://h/a', 'malformed'],
  [CHARACTERS, on('https://h/a\\\\?b=1'), 'https://h/a?b=1', 'allowed'],
  [CHARACTERS, on('https://h/a\\?b=1'), 'https://h/a?b=1', 'allowed'],
  [CHARACTERS, on('https://h/a\\?b=1'), 'https://h/aXb=1', 'wrong-resource'],
  [CHARACTERS, on('https://h/a?c'), 'https://h/abc', 'allowed'],
  [CHARACTERS, on('https://h/a?c'), 'https://h/a?c', 'wrong-resource'],
  [WITHOUT, NO_RESOURCE, 'https://h/a', 'malformed'],
  [
    WITHOUT,
    NO_RESOURCE,
    'https://any.example.com:8443/a?b=1',
    'allowed',
    { trust: { withoutResource: 'accept' } },
  ],
  [WITHOUT, NO_RESOURCE, 'http://h/a?$G', 'allowed', { trust: { withoutResource: 'accept' } }],
  [WITHOUT, NO_RESOURCE, 'http://h/~$T/a', 'allowed', { trust: { withoutResource: 'accept' } }],
  [
    WITHOUT,
    NO_RESOURCE,
    'https://h/a',
    'expired',
    { trust: { withoutResource: 'accept' }, at: UNTIL * 1000 },
  ],
  [
    WITHOUT,
    `{"Statement":[{"Resource":"",${rest}}]}`,
    'https://h/a',
    'malformed',
    { trust: { withoutResource: 'accept' } },
  ],
  [
    WITHOUT,
    `{"Statement":[{"Resource":null,${rest}}]}`,
    'https://h/a',
    'malformed',
    { trust: { withoutResource: 'accept' } },
  ],
  [
    'SEAMS 8',
    NO_RESOURCE,
    'rtmp://h/live/stage?$G',
    'wrong-action',
    { action: 'publish', trust: { withoutResource: 'accept' } },
  ],

  [REBUILT, canned('https://h/a'), 'https://h/a?$C', 'allowed'],
  [REBUILT, canned('https://h/a'), 'http://h/a?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a'), 'https://g/a?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a'), 'https://h/b?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a?'), 'https://h/a?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a#part'), 'https://h/a?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a?size=large&license=yes'), 'https://h/a?size=large&license=yes&$C', 'allowed'],
  [
    REBUILT,
    canned('https://h/a?size=large&license=yes'),
    'https://h/a?license=yes&size=large&$C',
    'bad-signature',
  ],
  [REBUILT, canned('https://h/a?q=%2F+%20'), 'https://h/a?q=%2F+%20&$C', 'allowed'],
  [REBUILT, canned('https://h/a?q=%2F'), 'https://h/a?q=%2f&$C', 'bad-signature'],
  [REBUILT, canned('https://h/a?q=%2F'), 'https://h/a?q=/&$C', 'bad-signature'],
  [REBUILT, canned('https://h/a?b&c=&=d'), 'https://h/a?b&c=&=d&$C', 'allowed'],
  [REBUILT, canned('https://h/%6Dembers'), 'https://h/%6Dembers?$C', 'allowed'],
  [REBUILT, canned('https://h/members'), 'https://h/%6Dembers?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a*'), 'https://h/ab?$C', 'bad-signature'],
  [REBUILT, canned('https://h/a*'), 'https://h/a*?$C', 'allowed'],
  [ORDER, canned('https://h/a?x=1&y=2'), 'https://h/a?$K&x=1&$S&$E&y=2&$H', 'allowed'],
  [ORDER, canned('https://h/a?x=1'), 'https://h/a?$C&x=1', 'allowed'],
  [ORDER, on('https://h/a'), 'https://h/a?$H&$K&$S&$P', 'allowed'],
  [ORDER, on('https://h/a\\\\?x=1&y=2'), 'https://h/a?x=1&$K&$P&y=2&$S&$H', 'allowed'],
  [ORDER, on('https://h/a\\\\?x=1&y=2'), 'https://h/a?y=2&x=1&$G', 'wrong-resource'],
  [ADDED, canned('https://h/a'), 'https://h/a?$C&utm=1', 'bad-signature'],
  ['SEAMS 5', canned('https://h/a'), 'https://h/a?$C&_HLS_msn=7&_HLS_part=1', 'allowed'],
  ['SEAMS 5', canned('https://h/a?x=1'), 'https://h/a?CMCD=bl%3D3&x=1&$C&_HLS_skip=YES', 'allowed'],
  ['SEAMS 5', canned('https://h/a?_HLS_msn=7'), 'https://h/a?_HLS_msn=7&$C', 'allowed'],
  ['SEAMS 5', canned('https://h/a?_HLS_msn=7'), 'https://h/a?_HLS_msn=8&$C', 'bad-signature'],
  ['SEAMS 5', canned('https://h/a'), 'https://h/a?$C&cmcd=1', 'bad-signature'],
  ['SEAMS 5', canned('https://h:8443/a'), 'https://h:8443/a?$C', 'allowed'],
  ['SEAMS 5', canned('https://h/a'), 'https://h:8443/a?$C', 'allowed'],
  ['SEAMS 5', canned('https://h/a'), 'https://h:8443/a?$C&CMCD=1', 'allowed'],
  ['SEAMS 5', canned('https://h:8443/a'), 'https://h:9443/a?$C', 'bad-signature'],
  ['SEAMS 5', canned('https://h:8443/a'), 'https://h/a?$C', 'bad-signature'],
  ['SEAMS 5', on('https://h/a'), 'https://h/a?_HLS_msn=7', 'allowed'],
  ['SEAMS 5', on('https://h/a'), 'https://h/a?CMCD=1&_HLS_msn=7', 'allowed'],
  ['SEAMS 5', on('https://h/a'), 'https://h/a?x=1&_HLS_msn=7', 'wrong-resource'],
  ['SEAMS 5', on('https://h/a\\\\?_HLS_msn=7'), 'https://h/a?_HLS_msn=7', 'allowed'],
  ['SEAMS 5', on('https://h/a\\\\?_HLS_msn=7'), 'https://h/a?_HLS_msn=8', 'wrong-resource'],
  ['SEAMS 5', on('https://h:8443/a'), 'https://h/a', 'wrong-resource'],
  ['SEAMS 5', on('https://h:443/a'), 'https://h/a', 'allowed'],

  ['SEAMS 1', on('https://h/members/*'), 'https://h/%6Dembers/a', 'allowed'],
  ['SEAMS 1', on('https://h/%6Dembers/*'), 'https://h/%6Dembers/a', 'allowed'],
  ['SEAMS 1', on('https://h/%6Dembers/*'), 'https://h/members/a', 'wrong-resource'],
  ['SEAMS 1', on('https://h/f%C3%BCr/*'), 'https://h/f%c3%bcr/a', 'allowed'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/members//a', 'allowed'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h//members/a', 'wrong-resource'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/members/../a', 'bad-path'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/members/%2e%2E/a', 'bad-path'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/members%2fa', 'bad-path'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/members/a%5cb', 'bad-path'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/~$T/members/a', 'allowed'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/%7E$T/members/a?b=1', 'allowed'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/~$T/others/a', 'wrong-resource'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/~$T/~$T/members/a', 'wrong-resource'],
  ['SEAMS 1', on('https://h/members/*'), 'https://h/~a.b.c/members/a', 'malformed'],

  [COOKIE_PAGE, on('http://h/a'), 'http://h/a', 'allowed'],
  [COOKIE_PAGE, on('http://h/a'), 'https://h/a', 'wrong-resource'],
  [PRECEDENCE, on('*'), 'https://h/a?Expires=1798761600', 'missing'],
  [PRECEDENCE, on('*'), 'https://h/a?Policy=x&Signature=x', 'missing'],
  [PRECEDENCE, on('*'), 'https://h/a?Key-Pair-Id=KP256', 'malformed'],
  [CANNED_PAGE, on('*'), 'https://h/a?$P&Expires=1798761600&$S&$K&$H', 'malformed'],
  [CANNED_PAGE, canned('https://h/a'), 'https://h/a?$E&$E&$S&$K&$H', 'malformed'],
  [URL_PAGE, on('*'), 'https://h/a?$P&$P&$S&$K&$H', 'malformed'],
  [URL_PAGE, on('*'), 'https://h/a?$P&$S&$S&$K&$H', 'malformed'],
  [URL_PAGE, on('*'), 'https://h/a?$P&$S&$K&$K&$H', 'malformed'],
  [URL_PAGE, on('*'), 'https://h/a?$P&$S&$K&$H&$H', 'malformed'],
  [URL_PAGE, on('*'), 'https://h/a?$P&$P&$S&$H', 'missing'],
  [URL_PAGE, on('*'), 'https://h/a?$P=&$S&$K&$H', 'malformed'],
  [URL_PAGE, on('*'), 'https://h/a?$P&$S+/&$K&$H', 'malformed'],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K&$H', 'allowed'],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K', 'bad-signature'],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K', 'allowed', { hash: 'sha1' }],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K&Hash-Algorithm=SHA1', 'allowed', { hash: 'sha1' }],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K&Hash-Algorithm=SHA256', 'bad-signature', { hash: 'sha1' }],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K&Hash-Algorithm=sha256', 'malformed'],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K&Hash-Algorithm=SHA512', 'malformed'],
  [DIGEST, on('*'), 'https://h/a?$P&$S&$K&Hash-Algorithm=', 'malformed'],
  [EXTENSION, on('*'), 'https://h/a?$P&$S&$K', 'weak-hash', { hash: 'sha1', trust: { sha1: 'refuse' } }],
  [EXTENSION, on('*'), 'https://h/a', 'weak-hash', { hash: 'sha1', trust: { sha1: 'refuse' } }],
  [EXTENSION, on('*'), 'https://h/~$T/a', 'weak-hash', { hash: 'sha1', trust: { sha1: 'refuse' } }],
  [EXTENSION, on('*'), 'https://h/~$T/a', 'allowed', { hash: 'sha1' }],
  [EXTENSION, on('*'), 'https://h/~$T/a', 'allowed', { trust: { sha1: 'refuse' } }],

  [EXTENSION, acting('https://h/a', '"play"'), 'https://h/a', 'allowed'],
  [EXTENSION, acting('https://h/a', '"publish"'), 'https://h/a', 'wrong-action'],
  [EXTENSION, acting('https://h/a', '["play","publish"]'), 'https://h/a', 'allowed'],
  [EXTENSION, acting('https://h/a', '"Play"'), 'https://h/a', 'malformed'],
  [
    'SEAMS 8',
    acting('rtmp://h/live/stage', '"publish"'),
    'rtmp://h/live/stage?$G',
    'allowed',
    { action: 'publish' },
  ],
  [
    'SEAMS 8',
    acting('rtmp://h/live/stage', '"play"'),
    'rtmp://h/live/stage?$G',
    'wrong-action',
    { action: 'publish' },
  ],
  ['SEAMS 8', on('live/stage'), 'rtmp://h/live/stage?$G', 'allowed', { action: 'publish' }],
  ['SEAMS 8', on('*'), 'rtmp://h/live/stage?$G', 'wrong-action', { action: 'publish' }],
  ['SEAMS 8', acting('*', '"publish"'), 'rtmp://h/live/stage?$G', 'wrong-action', { action: 'publish' }],
  ['SEAMS 8', canned('rtmp://h/live/stage'), 'rtmp://h:1935/live/stage?$C', 'allowed', { action: 'publish' }],
  ['SEAMS 8', canned('live/stage'), 'rtmps://h:1936/live/stage?$C', 'allowed', { action: 'publish' }],
  [
    'SEAMS 8',
    canned('rtmp://h/live/stage'),
    'rtmp://x/rtmp://h/live/stage?$C',
    'bad-signature',
    { action: 'publish' },
  ],
  ['SEAMS 8', canned('https://h/a'), 'rtmp://x/https://h/a?$C', 'bad-signature', { action: 'publish' }],
  ['SEAMS 13', on('rtmp://h/live/stage'), 'rtmps://h:1936/live/stage?$G', 'allowed', { action: 'publish' }],
  ['SEAMS 13', on('rtmps://h/live/stage'), 'rtmp://h/live/stage?$G', 'wrong-resource', { action: 'publish' }],
]
