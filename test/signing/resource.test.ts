import { describe, expect, test } from 'vitest'
import { compileResource, resourceCovers, splitHost } from '../../src/signing/index.ts'
import { arriving } from './edge.ts'

/**
 * §n is cloudfront.md; 1.3-n its numbered rules, which quote the CloudFront Developer Guide, "Setting a signed URL
 * with a custom policy"; S n is SEAMS.md.
 */
type Case = [source: string, resource: string, url: string, covered: 'yes' | 'no']

const CASES: Case[] = [
  // 1.3-1: must begin http://, https:// or *://
  ['1.3-1', 'http://h/a', 'http://h/a', 'yes'],
  ['1.3-1', 'https://h/a', 'https://h/a', 'yes'],
  ['1.3-1', 'http://h/a', 'https://h/a', 'no'],
  ['1.3-1', 'https://h/a', 'http://h/a', 'no'],
  ['1.3-1', '*://h/a', 'http://h/a', 'yes'],
  ['1.3-1', '*://h/a', 'https://h/a', 'yes'],
  ['1.3-1', 'http*://h/a', 'http://h/a', 'no'],
  ['1.3-1', 'http*://h/a', 'https://h/a', 'no'],
  ['1.3-1', 'http?://h/a', 'https://h/a', 'no'],
  ['1.3-1', '?ttp://h/a', 'http://h/a', 'no'],
  ['1.3-1', 'HTTP://h/a', 'http://h/a', 'no'],
  ['1.3-1', 'h/a', 'http://h/a', 'no'],
  ['1.3-1', '/a', 'http://h/a', 'no'],
  ['1.3-1', '//h/a', 'http://h/a', 'no'],
  ['1.3-1', '', 'http://h/', 'no'],
  ['1.3-1', 'ftp://h/a', 'http://h/a', 'no'],
  ['1.3-1', ' http://h/a', 'http://h/a', 'no'],
  ['1.3-1', 'http://h/a\n', 'http://h/a', 'no'],
  ['1.3-1', 'http:/h/a', 'http://h/a', 'no'],
  // 1.3-2: `*` is zero or more characters, `?` exactly one, `\?` a question mark
  ['1.3-2', 'http://h/a*c', 'http://h/ac', 'yes'],
  ['1.3-2', 'http://h/a*c', 'http://h/abc', 'yes'],
  ['1.3-2', 'http://h/a*c', 'http://h/a/b/c', 'yes'],
  ['1.3-2', 'http://h/a*c', 'http://h/abcd', 'no'],
  ['1.3-2', 'http://h/a?c', 'http://h/abc', 'yes'],
  ['1.3-2', 'http://h/a?c', 'http://h/a/c', 'yes'],
  ['1.3-2', 'http://h/a?c', 'http://h/ac', 'no'],
  ['1.3-2', 'http://h/a?c', 'http://h/abbc', 'no'],
  ['1.3-2', 'http://h/a??c', 'http://h/abbc', 'yes'],
  ['1.3-2', 'http://h/a?*c', 'http://h/abbbc', 'yes'],
  ['1.3-2', 'http://h/a?*c', 'http://h/ac', 'no'],
  ['1.3-2', 'http://h/a*?c', 'http://h/abc', 'yes'],
  ['1.3-2', 'http://h/a**c', 'http://h/abc', 'yes'],
  ['1.3-2', 'http://h/*.m3u8', 'http://h/x/index.m3u8', 'yes'],
  ['1.3-2', 'http://h/*.m3u8', 'http://h/x/index.m4s', 'no'],
  ['1.3-2', 'http://h/*a*b*c', 'http://h/xaxbxc', 'yes'],
  ['1.3-2', 'http://h/*a*b*c', 'http://h/xcxbxa', 'no'],
  ['1.3-2', 'http://h/*aab', 'http://h/aaaab', 'yes'],
  ['1.3-2', 'http://h/a\\?b=1', 'http://h/a?b=1', 'yes'],
  ['1.3-2', 'http://h/a\\?b=1', 'http://h/aXb=1', 'no'],
  ['1.3-2', 'http://h/a\\?b=1', 'http://h/a', 'no'],
  ['1.3-2', 'http://h/a\\?b=?', 'http://h/a?b=1', 'yes'],
  ['1.3-2', 'http://h/a\\?b=?', 'http://h/a?b=12', 'no'],
  ['1.3-2', 'http://h/a\\?b=\\?', 'http://h/a?b=?', 'yes'],
  ['1.3-2', 'http://h/a\\?b=\\?', 'http://h/a?b=1', 'no'],
  ['1.3-2', 'http://h/a\\?b=*', 'http://h/a?b=1&c=2', 'yes'],
  ['1.3-2', 'http://h/A', 'http://h/a', 'no'],
  ['1.3-2', 'http://h/.m3u8', 'http://h/xm3u8', 'no'],
  ['1.3-2', 'http://h/(a|b)+[c]$', 'http://h/(a|b)+[c]$', 'yes'],
  ['1.3-2', 'http://h/(a|b)', 'http://h/a', 'no'],
  // 1.3-3: a wildcard never crosses its section
  ['1.3-3', 'https://www.example.com/hello*world', 'https://www.example.com/helloworld', 'yes'],
  ['1.3-3', 'https://www.example.com/hello*world', 'https://www.example.com/hello-world', 'yes'],
  ['1.3-3', 'https://www.example.com/hello*world', 'https://www.example.com/hello?world', 'no'],
  ['1.3-3', 'https://www.example.com/hello*world', 'https://www.example.com/hello/new/world', 'yes'],
  ['1.3-3', 'http://h/a?b', 'http://h/a?b', 'no'],
  ['1.3-3', 'http://h/a?b.ts', 'http://h/a?b.ts', 'no'],
  ['1.3-3', 'http://h*/a', 'http://h.example.com/a', 'yes'],
  ['1.3-3', 'http://h*/a', 'http://h/x/a', 'no'],
  ['1.3-3', 'http://*.example.com/a', 'http://media.example.com/a', 'yes'],
  ['1.3-3', 'http://*.example.com/a', 'http://example.com/a', 'no'],
  ['1.3-3', 'http://*.example.com/a', 'http://evil.com/.example.com/a', 'no'],
  ['1.3-3', 'http://*example.com/a', 'http://example.com/a', 'yes'],
  ['1.3-3', 'http://*example.com/a', 'http://evilexample.com/a', 'yes'],
  ['1.3-3', 'http://h?/a', 'http://h1/a', 'yes'],
  ['1.3-3', 'http://h?/a', 'http://h/a', 'no'],
  ['1.3-3', 'http://h/a*\\?x=1', 'http://h/abc?x=1', 'yes'],
  ['1.3-3', 'http://h/a*\\?x=1', 'http://h/abc?y=2&x=1', 'no'],
  ['1.3-3', 'http://h/a*\\?x=1', 'http://h/abc', 'no'],
  ['1.3-3', 'http://h/*/c', 'http://h/a?b=/c', 'no'],
  ['1.3-3', 'http://h\\?x=1', 'http://h/?x=1', 'yes'],
  ['1.3-3', 'http://h\\?x=1', 'http://h/a?x=1', 'no'],
  // 1.3-4: what a trailing `*` implies
  ['1.3-4', 'http://h/a*', 'http://h/a', 'yes'],
  ['1.3-4', 'http://h/a*', 'http://h/abc', 'yes'],
  ['1.3-4', 'http://h/a*', 'http://h/abc?x=1', 'yes'],
  ['1.3-4', 'http://h/a*', 'http://h/a?x=1', 'yes'],
  ['1.3-4', 'http://h/a', 'http://h/a?x=1', 'no'],
  ['1.3-4', 'http://h/a\\?*', 'http://h/a?x=1', 'yes'],
  ['1.3-4', 'http://h/a\\?*', 'http://h/a', 'yes'],
  ['1.3-4', 'http://h/a\\?*', 'http://h/ab', 'no'],
  ['1.3-4', 'http://h*', 'http://h/', 'yes'],
  ['1.3-4', 'http://h*', 'http://host.example.com/any/thing?x=1', 'yes'],
  ['1.3-4', 'http://h*', 'http://g/', 'no'],
  ['1.3-4', 'http://h', 'http://h/', 'yes'],
  ['1.3-4', 'http://h', 'http://h/a', 'no'],
  ['1.3-4', 'http://h/', 'http://h/', 'yes'],
  ['1.3-4', 'http://h/', 'http://h/?x=1', 'no'],
  ['1.3-4', 'https://*', 'https://any.example.com/any/thing?x=1', 'yes'],
  ['1.3-4', 'https://*', 'http://any.example.com/any/thing', 'no'],
  ['1.3-4', 'http://*/', 'http://any.example.com/', 'yes'],
  ['1.3-4', 'http://*/', 'http://any.example.com/a', 'no'],
  ['1.3-4', '*example.com', 'https://www.example.com/', 'yes'],
  ['1.3-4', '*example.com', 'http://example.com/', 'yes'],
  ['1.3-4', '*example.com', 'http://example.com/a', 'no'],
  ['1.3-4', '*example.com', 'http://example.org/', 'no'],
  ['1.3-4', '*example.com/a*', 'https://www.example.com/abc?x=1', 'yes'],
  ['1.3-4', '*example.com*', 'https://www.example.com/abc?x=1', 'yes'],
  ['1.3-4', '*', 'https://any.example.com/any/thing?x=1', 'yes'],
  ['1.3-4', '*', 'http://127.0.0.1:8080/', 'yes'],
  ['1.3-4', '*://*', 'https://any.example.com/any/thing?x=1', 'yes'],
  ['1.3-4', '*/a', 'http://h/a', 'yes'],
  ['1.3-4', '*/a', 'http://h/x/a', 'no'],
  // 1.3-5: the guide's example
  [
    '1.3-5',
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/game_download.zip',
    'yes',
  ],
  [
    '1.3-5',
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/example_game_download.zip?license=yes',
    'yes',
  ],
  [
    '1.3-5',
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/test_game_download.zip?license=temp',
    'yes',
  ],
  [
    '1.3-5',
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/game.zip',
    'no',
  ],
  [
    '1.3-5',
    'https://d111111abcdef8.cloudfront.net/*game_download.zip*',
    'https://d111111abcdef8.cloudfront.net/a?game_download.zip',
    'no',
  ],
  // §1.3, last words: the directory of a film
  ['1.3', 'https://h/live/ch1/*', 'https://h/live/ch1/index.m3u8', 'yes'],
  ['1.3', 'https://h/live/ch1/*', 'https://h/live/ch1/v/1.m4s?_HLS_msn=3', 'yes'],
  ['1.3', 'https://h/live/ch1/*', 'https://h/live/ch1', 'no'],
  ['1.3', 'https://h/live/ch1/*', 'https://h/live/ch10/index.m3u8', 'no'],
  ['1.3', 'https://h/live/ch1/*', 'https://h/live/ch/index.m3u8', 'no'],
  ['1.3', 'https://h/live/ch1/*', 'https://h//live/ch1/index.m3u8', 'no'],
  ['1.3', 'https://h/live/ch1/*', 'https://h/Live/ch1/index.m3u8', 'no'],
  ['1.3', 'https://h/live/ch1*', 'https://h/live/ch10/index.m3u8', 'yes'],
  ['1.3', 'https://h/f%C3%BCr/*', 'https://h/f%C3%BCr/a', 'yes'],
  // AWS's signers copy a URL's own parameters unescaped (SDK); nothing else is opened by that
  ['SDK', 'https://h/a?size=large', 'https://h/a?size=large', 'yes'],
  ['SDK', 'https://h/a?size=large&x=1', 'https://h/a?size=large&x=1', 'yes'],
  ['SDK', 'https://h/a?size=large', 'https://h/a?size=small', 'no'],
  ['SDK', 'https://h/a?size=large', 'https://h/a', 'no'],
  ['SDK', 'https://h/a?size=*', 'https://h/a?size=any&x=1', 'yes'],
  ['SDK', 'https://h/live/*?token=1', 'https://h/live/a/b?token=1', 'yes'],
  ['SDK', 'https://h/live/*?token=1', 'https://h/live/a/b', 'no'],
  ['SDK', 'https://h/seg?.ts', 'https://h/seg?.ts', 'no'],
  ['SDK', 'https://h/seg?/a=1', 'https://h/seg?/a=1', 'no'],
  // S5: ports
  ['S5', 'http://h/a', 'http://h:8080/a', 'yes'],
  ['S5', 'http://h:8080/a', 'http://h:8080/a', 'yes'],
  ['S5', 'http://h:8080/a', 'http://h:8081/a', 'no'],
  ['S5', 'http://h:8080/a', 'http://h/a', 'no'],
  ['S5', 'http://h:80/a', 'http://h/a', 'yes'],
  ['S5', 'https://h:443/a', 'https://h/a', 'yes'],
  ['S5', '*://h:443/a', 'http://h/a', 'no'],
  ['S5', 'https://h:80/a', 'https://h/a', 'no'],
  ['S5', 'http://h:80*/a', 'http://h:8080/a', 'yes'],
  ['S5', 'http://h:*/a', 'http://h:8080/a', 'yes'],
  ['S5', 'http://h:808?/a', 'http://h:8080/a', 'yes'],
  ['S5', 'http://*:8080/a', 'http://any.example.com:8080/a', 'yes'],
  ['S5', 'http://*:8080/a', 'http://any.example.com:9090/a', 'no'],
  ['S5', 'http://h:x/a', 'http://h:8080/a', 'no'],
  ['S5', 'http://[::1]/a', 'http://[::1]:8080/a', 'yes'],
  ['S5', 'http://[::1]:8080/a', 'http://[::1]:8080/a', 'yes'],
  ['S5', 'http://[::1]:8080/a', 'http://[::1]:8081/a', 'no'],
  ['S5', 'http://[::1]/a', 'http://[::2]/a', 'no'],
  // RFC 9110 §4.2.3: hosts have no case
  ['9110', 'http://Media.Example.COM/a', 'http://media.example.com/a', 'yes'],
  ['9110', 'http://media.example.com/a', 'http://MEDIA.example.com/a', 'yes'],
  ['9110', 'http://media.example.com/a', 'http://media.example.com.evil.com/a', 'no'],
  ['9110', 'http://media.example.com/a', 'http://xmedia.example.com/a', 'no'],
  ['9110', 'http://mediaxexample.com/a', 'http://media.example.com/a', 'no'],
  // S8, S13: live streams
  ['S13', 'rtmp://h/live/stage', 'rtmp://h/live/stage', 'yes'],
  ['S13', 'rtmp://h/live/stage', 'rtmps://h/live/stage', 'yes'],
  ['S13', 'rtmps://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['S13', 'rtmps://h/live/stage', 'rtmps://h:1936/live/stage', 'yes'],
  ['S13', 'rtmp://*/live/stage', 'rtmp://127.0.0.1:1935/live/stage', 'yes'],
  ['S13', 'rtmp://*/live/*', 'rtmp://h/live/other', 'yes'],
  ['S13', 'rtmp://h/live/stage', 'rtmp://h/live/stage2', 'no'],
  ['S13', 'rtmp://h:1935/live/stage', 'rtmp://h/live/stage', 'yes'],
  ['S8', 'rtmp://h/live/stage', 'http://h/live/stage', 'no'],
  ['S8', 'http://h/live/stage', 'rtmp://h/live/stage', 'no'],
  ['S8', 'live/stage', 'rtmp://h/live/stage', 'yes'],
  ['S8', 'live/stage', 'rtmps://any:1936/live/stage', 'yes'],
  ['S8', 'live/*', 'rtmp://h/live/stage', 'yes'],
  ['S8', 'live/stage', 'rtmp://h/live/stage2', 'no'],
  ['S8', 'live/stage', 'http://h/live/stage', 'no'],
  ['S8', 'stage', 'rtmp://h/live/stage', 'no'],
  ['S8', '/live/stage', 'rtmp://h/live/stage', 'no'],
  [
    '§1.7',
    'videos/mediafile.flv\\?color=red&size=medium',
    'rtmp://h/videos/mediafile.flv?color=red&size=medium',
    'yes',
  ],
  ['§1.7', 'videos/mediafile.flv?color=red', 'rtmp://h/videos/mediafile.flv?color=red', 'yes'],
  ['§1.7', 'videos/mediafile.flv', 'rtmp://h/videos/mediafile.flv?color=red', 'no'],
]

function covers(resource: string, url: string): 'yes' | 'no' {
  const { scheme, authority, rawPath, query } = arriving(url)
  const { host, port } = splitHost(authority, scheme)
  return resourceCovers(compileResource(resource), { scheme, host, port, path: rawPath, query })
    ? 'yes'
    : 'no'
}

test('the table is as long as promised', () => {
  expect(CASES.length).toBeGreaterThanOrEqual(120)
})

describe('a resource covers what its sections say', () => {
  test.each(CASES)('%s: %s over %s: %s', (_source, resource, url, covered) => {
    expect(covers(resource, url)).toBe(covered)
  })
})

test('the longest and worst pattern is answered in a moment', () => {
  const path = `/${'a'.repeat(8000)}`
  const started = performance.now()
  expect(covers(`http://h/${'*a'.repeat(1500)}*b`, `http://h${path}`)).toBe('no')
  expect(covers(`http://h/*${'a'.repeat(4000)}b`, `http://h${path}`)).toBe('no')
  expect(covers(`http://h/*${'?'.repeat(4000)}b`, `http://h${path}`)).toBe('no')
  expect(performance.now() - started).toBeLessThan(500)
})

test('long paths with many wildcards are still covered', () => {
  const folders = Array.from({ length: 100 }, (_, at) => `season-${at}`).join('/')
  expect(covers('http://h/*season-5*season-50*season-99*index.m3u8', `http://h/${folders}/index.m3u8`)).toBe(
    'yes',
  )
})
