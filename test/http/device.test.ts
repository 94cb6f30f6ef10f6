import { expect, test } from 'vitest'
import { deviceOf, type Device } from '../../src/http/index.ts'

test.each<[string, string | undefined, (keyof Device)[]]>([
  ['nothing', undefined, ['desktop']],
  ['a program', 'curl/8.5.0', ['desktop']],
  [
    'Windows',
    'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/126.0 Safari/537.36',
    ['desktop'],
  ],
  [
    'a Mac',
    'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 Safari/605.1.15',
    ['desktop'],
  ],
  ['an iPhone', 'Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148', ['ios', 'mobile']],
  ['an iPad', 'Mozilla/5.0 (iPad; CPU OS 12_2 like Mac OS X) AppleWebKit Mobile/15E148', ['ios', 'tablet']],
  [
    'a telephone',
    'Mozilla/5.0 (Linux; Android 14; Pixel 8) Chrome/126.0 Mobile Safari/537.36',
    ['android', 'mobile'],
  ],
  ['a tablet', 'Mozilla/5.0 (Linux; Android 13; SM-X700) Chrome/126.0 Safari/537.36', ['android', 'tablet']],
  [
    'a Fire tablet',
    'Mozilla/5.0 (Linux; Android 9; KFMAWI) Silk/100.1 like Chrome Safari',
    ['android', 'tablet'],
  ],
  ['Tizen', 'Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) Version/6.0 TV Safari/537.36', ['smartTv']],
  ['webOS', 'Mozilla/5.0 (Web0S; Linux/SmartTV) Chrome/79.0 Safari/537.36', ['smartTv']],
  ['a Fire TV', 'Mozilla/5.0 (Linux; Android 9; AFTMM) Chrome/110.0 Safari/537.36', ['android', 'smartTv']],
  [
    'an Android TV',
    'Mozilla/5.0 (Linux; Android 12; BRAVIA 4K VH2) Chrome/110.0 Safari/537.36',
    ['android', 'smartTv'],
  ],
])('%s', (_, agent, kinds) => {
  const device = deviceOf(agent)
  const held = Object.entries(device).flatMap(([kind, holds]) => (holds ? [kind] : []))
  expect(held.sort()).toEqual(kinds.sort())
})
