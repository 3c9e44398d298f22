/** What is wrong with the signature of a callback. */
export type SignatureProblem =
  | 'signature-missing'
  | 'signature-malformed'
  | 'signature-mismatch'
  | 'timestamp-malformed'
  | 'timestamp-outside-window';

/** Why a body was not understood. */
export type BodyProblem =
  | 'not-utf-8'
  | 'not-json'
  | 'not-an-object'
  | 'too-many-items'
  | 'nested-too-deep'
  | 'missing-domain'
  | 'missing-app'
  | 'missing-stream'
  | 'missing-object'
  | 'name-too-long'
  | 'name-with-control-characters';

/** Why a publish callback was not understood. */
export type PushProblem =
  | 'unknown-action'
  | 'missing-domain'
  | 'missing-app'
  | 'missing-stream'
  | 'time-malformed'
  | 'name-too-long'
  | 'name-with-control-characters';

/** Someone floods us with names. */
type Flood = 'too-many-new-streams' | 'too-many-new-shapes' | 'too-many-new-days';

/**
 * Stands for all rejected requests of its minute whose names were not kept, for there were too many: a callback that is missing then
 * may be one of them.
 */
export const NAMES_NOT_KEPT = 'names-not-kept';

/** The database will never take it; its own code tells why. */
export type NotStorable = `not-storable-${string}`;

/** Why the database would not take a callback, however often it is offered. */
export type StorageRefusal = Flood | NotStorable;

/** Reasons that have words of their own. To add one: here, and the compiler asks for its words in both languages. */
export type NamedReason =
  | SignatureProblem
  | BodyProblem
  | PushProblem
  | Flood
  | typeof NAMES_NOT_KEPT
  | 'instant-implausible'
  | 'unknown-push-domain';

/** Why a request was set aside. */
export type QuarantineReason = NamedReason | NotStorable;

/**
 * Of what was taken into the spool and refused by the database only later: no signature is left, for it was checked when it came. The value is
 * what a capture's flags said then. No request can carry it: of the headers that come only named ones are kept.
 */
export const ACCEPTED_HEADER = 'snapaudit-accepted';

export function isStorageRefusal(reason: string): boolean {
  return reason.startsWith('too-many-new-') || reason.startsWith('not-storable-');
}
