export interface ClockEncoder {
  ended: Promise<{ code: number | null; said: string }>
  stop(): void
  kill(): void
}
export function publishClock(
  url: string,
  options?: { seconds?: number; tune?: 'zerolatency' | 'usual'; bitrate?: string },
): ClockEncoder
export function readDelays(seconds: number): Promise<number[]>
