/** CloudFront writes a set as a count and its items, and leaves the items out of an empty one. */
export interface Listed<T> {
  Quantity: number
  Items?: T[]
}

export function listed<T>(items: readonly T[]): Listed<T> {
  return items.length === 0 ? { Quantity: 0 } : { Quantity: items.length, Items: [...items] }
}

export function itemsOf<T>(list: { Items?: T[] | undefined } | undefined): T[] {
  return list?.Items ?? []
}
