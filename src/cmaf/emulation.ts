/** Takes out the 3 of each 0 0 3 of a NAL unit (ITU-T H.264, 7.4.1; H.265 has the same). */
export function withoutEmulationPrevention(nal: Uint8Array): Uint8Array {
  return nal.filter((byte, at) => !(byte === 3 && at > 1 && nal[at - 1] === 0 && nal[at - 2] === 0))
}
