import { fixPorts } from '../../src/app/ports.ts'

/** Numbers that were free a moment ago. */
export async function openPorts(count: number): Promise<number[]> {
  const names = Array.from({ length: count }, (_, at) => String(at))
  const wish = { listen: { host: '127.0.0.1', port: 0 }, flag: '', what: '' }
  const fixed = await fixPorts(Object.fromEntries(names.map(name => [name, wish])))
  return names.map(name => fixed[name]?.port ?? 0)
}
