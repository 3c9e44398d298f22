import type { Instant } from './instant.ts';

/** The vendor writes a new object for every capture (`sequence`), or the same one again and again (`overwrite`). */
export type Mode = 'sequence' | 'overwrite';

/** One capture with all that its witnesses said, joined by bucket and object name (overwrite mode: by time). */
export interface Capture {
  /** The instant `t` of DESIGN 2.1. */
  at: Instant;
  bucket: string;
  object: string;
  /** The first callback that announced it; a verified one is preferred to an unverified one. */
  callback: CaptureCallback | null;
  /** OSS lists it, or listed it when its slot was judged first and a lifecycle rule may have deleted it since. */
  stored: boolean;
  /** OSS does not list it, and when its slot was judged before, a lifecycle rule had deleted it. */
  expired?: true;
  /** The vendor's index lists it. */
  indexed: boolean;
  /** A request that we rejected names it. */
  rejected: boolean;
  /** Overwrite mode: a later capture has replaced the object, so OSS can say nothing of this one. */
  replaced: boolean;
  /** Its name (a wrong one, mostly) lies outside the prefixes that were listed, so that OSS was not asked for it. */
  unlisted?: true;
}

export interface CaptureCallback {
  receivedAt: Instant;
  capturedAt: Instant | null;
  verified: boolean;
}
