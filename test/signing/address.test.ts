import { describe, expect, test } from 'vitest'
import { cidrHolds, parseAddress, parseCidr } from '../../src/signing/index.ts'

function holds(range: string, address: string): boolean {
  const cidr = parseCidr(range)
  const parsed = parseAddress(address)
  if (cidr === undefined || parsed === undefined) throw new Error(`${range} or ${address} cannot be read`)
  return cidrHolds(cidr, parsed)
}

describe('a range holds its addresses and no others', () => {
  test.each([
    ['192.0.2.0/24', '192.0.2.0', true],
    ['192.0.2.0/24', '192.0.2.255', true],
    ['192.0.2.0/24', '192.0.3.0', false],
    ['192.0.2.0/24', '192.0.1.255', false],
    ['192.0.2.77/24', '192.0.2.1', true],
    ['192.0.2.7/32', '192.0.2.7', true],
    ['192.0.2.7/32', '192.0.2.6', false],
    ['192.0.2.7', '192.0.2.7', true],
    ['192.0.2.7', '192.0.2.8', false],
    ['192.0.2.128/25', '192.0.2.128', true],
    ['192.0.2.128/25', '192.0.2.127', false],
    ['10.0.0.0/7', '11.255.255.255', true],
    ['10.0.0.0/7', '12.0.0.0', false],
    ['0.0.0.0/0', '203.0.113.9', true],
    ['0.0.0.0/0', '2001:db8::1', false],
    ['128.0.0.0/1', '127.255.255.255', false],
    // Sockets that listen on both families report IPv4 viewers like this.
    ['192.0.2.0/24', '::ffff:192.0.2.9', true],
    ['192.0.2.0/24', '::ffff:c000:209', true],
    ['192.0.2.0/24', '::FFFF:192.0.3.9', false],
    ['192.0.2.0/24', '::192.0.2.9', false],
    ['::ffff:192.0.2.0/120', '192.0.2.9', true],
    ['::ffff:192.0.2.0/120', '192.0.3.9', false],
    // IPv6 is an extension; CloudFront knows none (cloudfront.md §1.3).
    ['2001:db8::/32', '2001:db8:ffff::1', true],
    ['2001:db8::/32', '2001:db9::1', false],
    ['2001:db8::1', '2001:db8::1', true],
    ['2001:db8::1', '2001:db8::2', false],
    ['2001:db8::1/128', '2001:0db8:0:0:0:0:0:1', true],
    ['fe80::/10', 'fe80::1%eth0', true],
    ['::1', '::1', true],
    ['::/0', '2001:db8::1', true],
    ['::/0', '192.0.2.1', false],
    ['2001:db8::/33', '2001:db8:8000::', false],
    ['2001:db8:8000::/33', '2001:db8:8000::1', true],
  ])('%s and %s: %s', (range, address, inside) => {
    expect(holds(range, address)).toBe(inside)
  })
})

test.each([
  '',
  '/',
  '192.0.2.0/',
  '/24',
  '192.0.2.0/33',
  '192.0.2.0/-1',
  '192.0.2.0/024',
  '192.0.2.0/24/24',
  '192.0.2',
  '192.0.2.256',
  '1.2.3.4.5',
  '0x7f.0.0.1',
  'localhost',
  '2001:db8::/129',
  '2001:db8:::1',
  'fe80::1%eth0/64',
  '192.0.2.0/24 ',
  '*',
])('"%s" is no range', text => {
  expect(parseCidr(text)).toBeUndefined()
})

test.each(['', 'localhost', '192.0.2', '192.0.2.1:80', '[::1]', 'unix:', '192.0.2.1, 10.0.0.1'])(
  '"%s" is no address',
  text => {
    expect(parseAddress(text)).toBeUndefined()
  },
)
