/**
 * What a label may say: one of a list, or what is made while Sluice runs (distributions, functions). Of those a process shows
 * the first `atMost`, and `other` for all that come later: who makes them must not be able to fill memory with series. What
 * viewers send is never a label.
 */
export type LabelValues = readonly string[] | Growing

export interface Growing {
  /** Of what, in words. */
  readonly of: string
  readonly atMost: number
}

export type Labels = Readonly<Record<string, LabelValues>>

/** The labels of one sample. */
export type Sample<L extends Labels> = {
  readonly [K in keyof L]: L[K] extends readonly (infer Word extends string)[] ? Word : string
}

interface Named<Type extends string, L extends Labels> {
  readonly type: Type
  readonly name: string
  readonly help: string
  readonly labels: L
}

export type CounterName<L extends Labels = Labels> = Named<'counter', L>
export type GaugeName = Named<'gauge', Labels>
export interface HistogramName<L extends Labels = Labels> extends Named<'histogram', L> {
  /** Upper ends, in the unit of the name. */
  readonly buckets: readonly number[]
}
export type MetricName = CounterName | GaugeName | HistogramName

/** Only grows. Each metric is made in the `metric-names.ts` of its room, and nowhere else. */
export function counter(name: string, help: string): CounterName<Record<never, never>>
export function counter<const L extends Labels>(name: string, help: string, labels: L): CounterName<L>
export function counter(name: string, help: string, labels: Labels = {}): CounterName {
  return { type: 'counter', name, help, labels }
}

/** Goes up and down. */
export function gauge(name: string, help: string): GaugeName {
  return { type: 'gauge', name, help, labels: {} }
}

/** How often a value fell where. */
export function histogram(
  name: string,
  help: string,
  buckets: readonly number[],
): HistogramName<Record<never, never>>
export function histogram<const L extends Labels>(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: L,
): HistogramName<L>
export function histogram(
  name: string,
  help: string,
  buckets: readonly number[],
  labels: Labels = {},
): HistogramName {
  return { type: 'histogram', name, help, buckets, labels }
}

/** Labels that several rooms have. */
export const DISTRIBUTION: Growing = { of: 'IDs of distributions, or `none`', atMost: 1000 }
/** Closed by its type (`Reason`). */
export const REASON: Growing = { of: 'words of `X-Sluice-Reason`', atMost: 100 }
/** An answer's status is ours or an origin's: three digits. */
export const STATUS: Growing = { of: 'status of HTTP', atMost: 100 }
