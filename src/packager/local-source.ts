import { open } from 'node:fs/promises'
import type { ByteSource } from '../cmaf/index.ts'

/** Lends a local file as bytes to read movies from, for as long as `use` runs. */
export async function withLocalFile<T>(path: string, use: (source: ByteSource) => Promise<T>): Promise<T> {
  const file = await open(path, 'r')
  try {
    const { size } = await file.stat()
    return await use({
      size,
      async read(start, length) {
        const bytes = Buffer.allocUnsafeSlow(Math.max(0, Math.min(length, size - start)))
        const { bytesRead } = await file.read(bytes, 0, bytes.length, start)
        return bytes.subarray(0, bytesRead)
      },
    })
  } finally {
    await file.close()
  }
}
