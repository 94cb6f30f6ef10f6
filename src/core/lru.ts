/** The one door to lru-cache: everything that remembers within a bound uses it. */
export { LRUCache as Lru } from 'lru-cache'
