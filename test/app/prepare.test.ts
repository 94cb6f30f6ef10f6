import { expect, test } from 'vitest'

interface Prepare {
  machineRefusal: (nodeVersion: string, platform: string) => string | undefined
}

/** Plain JavaScript: it runs before a compiler is there. */
async function prepare(): Promise<Prepare> {
  const script: string = new URL('../../src/prepare.mjs', import.meta.url).href
  return (await import(script)) as Prepare // it has no types
}

test.each(['20.19.0', '20.20.2', '22.0.0', '24.1.0', '100.0.0'])('Node %s is new enough', async version => {
  const { machineRefusal } = await prepare()
  expect(machineRefusal(version, 'linux')).toBeUndefined()
  expect(machineRefusal(version, 'darwin')).toBeUndefined()
})

test.each(['20.18.3', '18.20.0', '9.0.0'])('Node %s is refused in one sentence', async version => {
  const { machineRefusal } = await prepare()
  expect(machineRefusal(version, 'linux')).toBe(
    `Sluice needs Node 20.19 or newer and this is ${version}: install Node 24 from https://nodejs.org or your package manager.`,
  )
})

test('Windows itself is refused in one sentence', async () => {
  const { machineRefusal } = await prepare()
  expect(machineRefusal('24.0.0', 'win32')).toBe(
    'Sluice does not run on Windows itself: use WSL2 or the Docker image, where it does.',
  )
})
