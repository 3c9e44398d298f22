/** Bits of `captures.flags`. Two deliveries of one capture are joined with OR, so a bit says "at least once". */
export const CAPTURE_FLAGS = {
  /** Signed with one of our keys. */
  verified: 1,
  /** … which was the previous key (during a rotation). */
  previousKey: 2,
  /** … over host:port, not over the bare host. */
  hostPort: 4,
  /** A callback told us: `delay_ms` means something. */
  fromCallback: 8,
  /** Backfill found it in the vendor's index. */
  fromIndex: 16,
  /** Backfill found it in OSS. */
  fromObject: 32,
} as const;

export type CaptureSource = 'callback' | 'index' | 'object';

export function sourcesOf(flags: number): CaptureSource[] {
  const sources: CaptureSource[] = [];
  if (flags & CAPTURE_FLAGS.fromCallback) sources.push('callback');
  if (flags & CAPTURE_FLAGS.fromIndex) sources.push('index');
  if (flags & CAPTURE_FLAGS.fromObject) sources.push('object');
  return sources;
}
