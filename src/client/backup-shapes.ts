import { Type, type Static } from '../core/index.ts'

/** Of the file, not of the database; one that is not known is refused. */
export const BACKUP_FORMAT = 1

/** Where media lies, without keys to it. */
export const MediaPlace = Type.Union([
  Type.Object({ kind: Type.Literal('filesystem'), folder: Type.String() }),
  Type.Object({
    kind: Type.Literal('s3'),
    bucket: Type.String(),
    prefix: Type.String(),
    /** Null for Amazon's own. */
    endpoint: Type.Union([Type.Null(), Type.String()]),
    region: Type.String(),
  }),
  /** Of tests alone. */
  Type.Object({ kind: Type.Literal('memory') }),
])
export type MediaPlace = Static<typeof MediaPlace>

/** The first line of a backup. */
export const BackupHead = Type.Object({
  sluice: Type.Literal('backup'),
  format: Type.Integer(),
  madeAt: Type.Integer({ minimum: 0 }),
  /** The newest migration of its database, by its number and by its time. */
  schema: Type.Integer({ minimum: 1 }),
  migration: Type.Integer({ minimum: 1 }),
  media: MediaPlace,
})
export type BackupHead = Static<typeof BackupHead>

/** What a line says that is neither the first nor a row. */
export const BackupWord = Type.Union([
  /** The rows that follow are of this table. */
  Type.Object({ table: Type.String({ pattern: '^[a-z][a-z_]{0,62}$' }) }),
  /** An object of storage; it is named, and lies elsewhere. */
  Type.Object({ object: Type.String(), size: Type.Integer({ minimum: 0 }) }),
  /** Why objects could not be named. */
  Type.Object({ unlisted: Type.String() }),
  /** A file of the data folder. */
  Type.Object({
    file: Type.String({ pattern: '^(?:[a-z]{1,20}/)?[A-Za-z0-9][A-Za-z0-9._-]{0,127}$' }),
    base64: Type.String(),
  }),
  /** The last line; the sum is that of all bytes before it. */
  Type.Object({ end: Type.Object({ sha256: Type.String() }) }),
])
export type BackupWord = Static<typeof BackupWord>

/** One line of a backup after the first. A row is one JSON object, as PostgreSQL writes and reads it. */
export type BackupLine = { kind: 'row'; json: string } | { kind: 'word'; word: BackupWord }
