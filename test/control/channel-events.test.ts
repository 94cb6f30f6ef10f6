import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import type { ChannelEvent } from '../../src/client/index.ts'
import { ChannelEvents, type Listener } from '../../src/control/channel-events.ts'
import type { BroadcastId } from '../../src/core/index.ts'

class FakeListener implements Listener {
  text = ''
  state: 'open' | 'ended' | 'cut' = 'open'
  backlog = 0

  write(text: string): void {
    this.text += text
  }

  waiting(): number {
    return this.backlog
  }

  end(): void {
    this.state = 'ended'
  }

  cut(): void {
    this.state = 'cut'
  }

  get ids(): string[] {
    return [...this.text.matchAll(/^id: (.*)$/gm)].map(match => match[1] ?? '')
  }
}

function event(id: string, detail = ''): ChannelEvent {
  return {
    id,
    at: '2026-11-22T10:00:00.000Z',
    kind: 'live',
    path: '/live/x',
    broadcast: 'b1' as BroadcastId, // as an origin names it
    detail,
  }
}

let events: ChannelEvents

beforeEach(() => {
  vi.useFakeTimers()
  events = new ChannelEvents({ heartbeat: 15_000, mostListeners: 3 })
})

afterEach(() => {
  events.close()
  vi.useRealTimers()
})

describe('the ring of events', () => {
  it('holds the newest thousand', () => {
    for (let n = 1; n <= 1_005; n++) events.add([event(`e${n}`)])
    const listener = new FakeListener()
    events.listen(listener, 'unknown')
    expect(listener.ids).toHaveLength(1_001)
    expect(listener.ids.slice(0, 2)).toEqual(['0', 'e6'])
    expect(listener.ids.at(-1)).toBe('e1005')
  })

  it('knows an event by its id and takes it once', () => {
    const listener = new FakeListener()
    events.listen(listener, undefined)
    events.add([event('a'), event('b')])
    events.add([event('a'), event('b'), event('c')])
    expect(listener.ids).toEqual(['0', 'a', 'b', 'c'])
  })

  it('cuts a detail that is too long', () => {
    const listener = new FakeListener()
    events.listen(listener, undefined)
    events.add([event('a', 'x'.repeat(100_000))])
    expect(listener.text.length).toBeLessThan(1_300)
  })
})

describe('a listener', () => {
  it.each([
    [undefined, ['c']],
    ['a', ['a', 'b', 'c']],
    ['c', ['c']],
    ['gone', ['0', 'a', 'b', 'c']],
    ['0', ['0', 'a', 'b', 'c']],
  ])('with the last id %s hears %j before anything happens', (last, ids) => {
    events.add(['a', 'b', 'c'].map(id => event(id)))
    const listener = new FakeListener()
    events.listen(listener, last)
    expect(listener.ids).toEqual(ids)
  })

  it('hears a comment each fifteen seconds', () => {
    const listener = new FakeListener()
    events.listen(listener, undefined)
    const before = listener.text
    vi.advanceTimersByTime(30_000)
    expect(listener.text).toBe(`${before}:\n\n:\n\n`)
  })

  it('that reads too slowly is cut, and the others are not', () => {
    const [slow, quick] = [new FakeListener(), new FakeListener()]
    events.listen(slow, undefined)
    events.listen(quick, undefined)
    slow.backlog = 3_000_000
    events.add([event('a')])
    expect([slow.state, slow.ids, quick.state, quick.ids]).toEqual(['cut', ['0'], 'open', ['0', 'a']])
    expect(events.listeners).toBe(1)
  })

  it('too many is refused until one has left', () => {
    const leave = [1, 2, 3].map(() => events.listen(new FakeListener(), undefined))
    expect(() => events.listen(new FakeListener(), undefined)).toThrow('3 listen to the events already')
    leave[0]?.()
    events.listen(new FakeListener(), undefined)
  })

  it('is ended when control closes, and none is taken after', () => {
    const listener = new FakeListener()
    events.listen(listener, undefined)
    events.close()
    expect(listener.state).toBe('ended')
    expect(() => events.listen(new FakeListener(), undefined)).toThrow('control is closing')
  })
})
