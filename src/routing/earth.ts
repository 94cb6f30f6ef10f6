/** Degrees, north and east. */
export interface Location {
  latitude: number
  longitude: number
}

/** Of the sphere that has the earth's volume. */
const RADIUS_KM = 6371

const radians = (degrees: number): number => (degrees * Math.PI) / 180

/** Along the great circle (haversine), in kilometres. */
export function distanceBetween(one: Location, other: Location): number {
  const [a, b] = [radians(one.latitude), radians(other.latitude)]
  const h =
    Math.sin((b - a) / 2) ** 2 +
    Math.cos(a) * Math.cos(b) * Math.sin(radians(other.longitude - one.longitude) / 2) ** 2
  // Rounding may carry what is opposite beyond 1.
  return 2 * RADIUS_KM * Math.asin(Math.sqrt(Math.min(1, h)))
}
