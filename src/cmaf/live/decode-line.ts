/** Ticks by which a time may be off without being told, since encoders round to milliseconds: 1.5 ms. */
export const ROUNDING = 135
/** How much of a frame's lateness the line takes over. */
const PULL = 1 / 128

/**
 * Decoding times of pictures, which need not be the encoder's: they run in even steps of a frame, never after the
 * encoder's own times by more than rounding. A part can then end before the next picture is there, and none is longer
 * than it was meant to be; when pictures are shown is told by their composition offsets. All in ticks, fractions kept.
 */
export class DecodeLine {
  /** Of the last picture. */
  private at = 0

  begin(at: number): void {
    this.at = at
  }

  /** Where the next picture stands, that the encoder has at `source`. */
  next(source: number, frame: number): number {
    const candidate = this.at + frame
    const lost = Math.max(0, Math.round((source - candidate) / frame))
    const slot = candidate + lost * frame
    const late = source - slot
    if (late < -ROUNDING) return Math.max(source, this.at + frame / 2)
    return late > 0 ? slot + late * PULL : slot
  }

  moveTo(at: number): void {
    this.at = at
  }
}
