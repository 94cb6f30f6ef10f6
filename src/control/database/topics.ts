/** What a transaction may have changed that somebody waits for. */
export type Topic = (typeof TOPICS)[number]

export const TOPICS = ['snapshot', 'publications', 'jobs', 'events'] as const
