import { readFile, readdir } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { cloudFrontHandlers } from '../../../src/control/cloudfront/handlers.ts'
import { loadModel } from '../../../src/control/cloudfront/model.ts'
import type { Services } from '../../../src/control/services.ts'

const HERE = fileURLToPath(new URL('.', import.meta.url))
/** Their names alone are asked for. */
const names = Object.keys(cloudFrontHandlers({} as Services))

describe('the operations', () => {
  test('are operations of CloudFront', async () => {
    const { operations } = await loadModel()
    expect(names.filter(name => operations[name] === undefined)).toEqual([])
    expect(names.length).toBeGreaterThan(70)
  })

  test('are each asked for by AWS’s own client in these tests', async () => {
    const files = (await readdir(HERE)).filter(name => name.endsWith('.test.ts'))
    const texts = await Promise.all(files.map(name => readFile(`${HERE}${name}`, 'utf8')))
    const asked = new Set(
      texts.flatMap(text => [...text.matchAll(/new (?:api\.)?(\w+)Command\(/g)].map(match => match[1])),
    )
    expect(names.filter(name => !asked.has(name))).toEqual([])
  })
})
