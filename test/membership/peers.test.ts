import { describe, expect, it } from 'vitest'
import { instant, newNodeId, type Clock, type Instant } from '../../src/core/index.ts'
import type { PeerNode } from '../../src/distribution/index.ts'
import { createPeerVerifier, nodeTokenSource, type NodeIdentity } from '../../src/membership/index.ts'
import { newNodeKey } from '../../src/signing/index.ts'

class TestClock implements Clock {
  at = instant(1_800_000_000_000)
  now(): Instant {
    return this.at
  }
  pass(ms: number): void {
    this.at = instant(this.at + ms)
  }
}

function identity(): NodeIdentity {
  return { id: newNodeId('edge'), role: 'edge', ...newNodeKey() }
}

function peer({ id, role, publicJwk }: NodeIdentity): PeerNode {
  return { id, role, publicKey: publicJwk }
}

describe('a peer’s token', () => {
  it('is believed for the audience that it is for', async () => {
    const [clock, edge] = [new TestClock(), identity()]
    const snapshot = { nodes: [peer(edge)] }
    const token = await nodeTokenSource(edge, 'origin', clock)()
    const verify = (audience: 'origin' | 'control') =>
      createPeerVerifier(() => snapshot, audience, clock).verify(token)
    expect(await verify('origin')).toEqual({ kind: 'peer', id: edge.id, role: 'edge' })
    expect((await verify('control')).kind).toBe('refused')
  })

  it('is refused as soon as a snapshot without its node is applied, though it was believed a moment ago', async () => {
    const [clock, edge] = [new TestClock(), identity()]
    let snapshot = { nodes: [peer(edge)] }
    const verifier = createPeerVerifier(() => snapshot, 'origin', clock)
    const token = await nodeTokenSource(edge, 'origin', clock)()
    expect((await verifier.verify(token)).kind).toBe('peer')
    snapshot = { nodes: [] }
    expect((await verifier.verify(token)).kind).toBe('refused')
  })

  it('is refused when its time is over, though it was believed before', async () => {
    const [clock, edge] = [new TestClock(), identity()]
    const snapshot = { nodes: [peer(edge)] }
    const verifier = createPeerVerifier(() => snapshot, 'origin', clock)
    const token = await nodeTokenSource(edge, 'origin', clock)()
    expect((await verifier.verify(token)).kind).toBe('peer')
    clock.pass(80_000)
    expect((await verifier.verify(token)).kind).toBe('peer')
    clock.pass(20_000)
    expect((await verifier.verify(token)).kind).toBe('refused')
  })

  it.each([
    ['none', undefined],
    ['an empty one', ''],
    ['noise', 'abc.def.ghi'],
    ['a huge one', 'a'.repeat(100_000)],
  ])('that is %s is refused', async (_what, token) => {
    const verifier = createPeerVerifier(() => ({ nodes: [peer(identity())] }), 'origin', new TestClock())
    expect((await verifier.verify(token)).kind).toBe('refused')
  })

  it('is refused before there is a snapshot', async () => {
    const [clock, edge] = [new TestClock(), identity()]
    const token = await nodeTokenSource(edge, 'origin', clock)()
    expect((await createPeerVerifier(() => undefined, 'origin', clock).verify(token)).kind).toBe('refused')
  })
})

describe('a token source', () => {
  it('signs once for half a minute, however many ask', async () => {
    const clock = new TestClock()
    const source = nodeTokenSource(identity(), 'origin', clock)
    const [one, two] = await Promise.all([source(), source()])
    clock.pass(29_000)
    const three = await source()
    clock.pass(2_000)
    const four = await source()
    expect([two, three]).toEqual([one, one])
    expect(four).not.toBe(one)
  })
})
