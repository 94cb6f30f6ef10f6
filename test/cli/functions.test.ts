import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { ADMIN, ControlFixture } from '../control/fixture.ts'
import { sluice, workFolder, type Ran } from './stub-control.ts'

const CODE = 'function handler(event) { console.log("seen"); return event.request }'
const EVENT = { context: { eventType: 'viewer-request' }, request: { uri: '/a' } }

/** Command lines against a control that runs. */
async function running(): Promise<{ cwd: string; say: (line: string) => Promise<Ran> }> {
  const control = await ControlFixture.open()
  onTestFinished(() => control.end())
  const cwd = workFolder()
  const more = ['--control', control.url]
  const env = { SLUICE_TOKEN: ADMIN }
  return { cwd, say: line => sluice(cwd, [...line.split(' '), ...more], { env }) }
}

test('a function is made, tried, published and deleted', async () => {
  const { cwd, say } = await running()
  writeFileSync(join(cwd, 'look.js'), CODE)
  writeFileSync(join(cwd, 'bad.js'), 'function handler( {')
  writeFileSync(join(cwd, 'event.json'), JSON.stringify(EVENT))
  expect(await say('functions create look look.js')).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining('Say how it is written: --runtime') as string },
  })
  expect(await say('functions create look none.js --runtime cloudfront-js-2.0')).toMatchObject({
    ...{ code: 3, stderr: expect.stringContaining('none.js does not exist') as string },
  })
  expect(await say('functions create look bad.js --runtime cloudfront-js-2.0')).toMatchObject({
    ...{ code: 2, stderr: expect.stringContaining('the code of the function "look"') as string },
  })
  const made = await say('functions create look look.js --runtime cloudfront-js-2.0 --comment seen')
  expect(made).toMatchObject({ code: 0, stdout: expect.stringContaining('made look') as string })
  const tested = await say('functions test look --event event.json --json')
  expect([tested.code, JSON.parse(tested.stdout)]).toMatchObject([
    ...[0, { result: EVENT.request, error: null, logs: ['seen'] }],
  ])
  const list = await say('functions list')
  expect(list.stdout).toMatch(/look +cloudfront-js-2\.0 +no +0 +seen/)
  const published = await say('functions publish look --no-wait --json')
  expect(JSON.parse(published.stdout)).toMatchObject({ name: 'look', changed: false })
  writeFileSync(join(cwd, 'look.js'), 'function handler() { throw new Error("broken") }')
  expect((await say('functions update look look.js')).code).toBe(0)
  expect((await say('functions show look')).stdout).toContain('published: yes, changed since')
  expect((await say('functions show look --code --stage live')).stdout.trim()).toBe(CODE)
  const failed = await say('functions test look --event event.json')
  expect(failed).toMatchObject({
    code: 1,
    stdout: expect.stringContaining('failed, function-failed') as string,
  })
  expect((await say('functions test look --event event.json --stage live')).code).toBe(0)
  expect((await say('functions update look')).code).toBe(2)
  expect((await say('functions delete look:x')).code).toBe(2)
  expect((await say('functions delete look')).code).toBe(0)
  expect((await say('functions show look')).code).toBe(3)
})

test('a store is made of a file, put into and read', async () => {
  const { cwd, say } = await running()
  writeFileSync(join(cwd, 'words.json'), JSON.stringify({ a: 'one' }))
  expect((await say('stores create words --file words.json')).stdout.trim()).toBe('made words, 1 keys')
  expect((await say('stores put words b two --no-wait')).code).toBe(0)
  expect((await say('stores get words b')).stdout.trim()).toBe('two')
  expect(JSON.parse((await say('stores get words --json')).stdout)).toEqual({ a: 'one', b: 'two' })
  expect((await say('stores remove words a --no-wait')).code).toBe(0)
  expect((await say('stores remove words a')).code).toBe(3)
  expect((await say('stores get words a')).code).toBe(3)
  expect((await say('stores list')).stdout).toMatch(/words +1 /)
  expect((await say('stores show words')).stdout).toContain('read by no function')
  writeFileSync(join(cwd, 'bad.json'), JSON.stringify({ a: 1 }))
  expect((await say('stores create bad --file bad.json')).code).toBe(2)
  expect((await say('stores delete words')).code).toBe(0)
  expect(JSON.parse((await say('stores list --json')).stdout)).toEqual([])
})
