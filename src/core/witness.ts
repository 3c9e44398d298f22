import type { Instant } from './instant.ts';

/** We were told of a capture. A claim until OSS or the vendor's index supports it. */
export interface CallbackWitness {
  bucket: string;
  object: string;
  /** What the body said, when it said it. */
  capturedAt: Instant | null;
  receivedAt: Instant;
  /** The request carried a signature that one of our keys explains. The body is never covered by it. */
  verified: boolean;
}

/** OSS lists the object, or a HEAD found it. */
export interface ObjectWitness {
  bucket: string;
  key: string;
  /** Time of the last write, whole seconds as OSS gives it; not the capture time. */
  lastModified: Instant;
  sizeBytes: number;
}

/** A row of the vendor's DescribeLiveStreamSnapshotInfo. */
export interface IndexWitness {
  object: string;
  createdAt: Instant;
  /** True for an overwrite capture, false for a sequence capture, null where the vendor did not say. */
  overlay: boolean | null;
}
