/** What the OSS stand-in can do wrong on purpose. */
export const OSS_FAULT_MODES = [
  /** 503 with error XML, as under throttling. */
  '503-slow-down',
  '500-xml',
  '500-html',
  /** Takes the request and never answers. */
  'timeout',
  /** Closes the connection with a reset. */
  'reset',
  /** 200 with a web page, as from a captive proxy. */
  '200-html',
  /** 200 with an `<Error>` body. */
  '200-error-xml',
  /** A listing that says truncated and gives no token. */
  'truncated-without-token',
  /** A listing whose next token leads to the same page again. */
  'repeated-token',
  /** A listing without `<KeyCount>`. */
  'no-key-count',
  /** Announces more bytes than it sends, then hangs up. */
  'cut-body',
  /** Sends half of the body and then nothing, keeping the connection open. */
  'stall-body',
  /** Complete by its length, but the text stops in the middle. */
  'cut-xml',
  'empty-200',
  '404-no-body',
  'access-denied',
] as const;
export type OssFaultMode = (typeof OSS_FAULT_MODES)[number];

export const OSS_REQUEST_KINDS = ['list', 'head', 'get', 'put', 'delete', 'lifecycle', 'other'] as const;
export type OssRequestKind = (typeof OSS_REQUEST_KINDS)[number];

export interface OssFault {
  kind: OssRequestKind | 'any';
  mode: OssFaultMode;
  /** How many requests it hits; without it, every one until `clear`. */
  times?: number;
  /** Share of the matching requests that it hits, 0 to 1 (default 1). */
  probability?: number;
  /** Only this bucket. */
  bucket?: string;
  /** Told of each request that it hits. */
  onHit?: () => void;
}

const LIST_ONLY: readonly OssFaultMode[] = ['truncated-without-token', 'repeated-token', 'no-key-count'];
const BODY_ONLY: readonly OssFaultMode[] = ['cut-body', 'stall-body', 'cut-xml'];

/** A fault that cannot show in the answer to a kind of request does not hit it, and is not counted. */
function canShow(mode: OssFaultMode, kind: OssRequestKind): boolean {
  if (LIST_ONLY.includes(mode)) return kind === 'list';
  if (BODY_ONLY.includes(mode)) return kind === 'list' || kind === 'get' || kind === 'lifecycle';
  return true;
}

/** Holds the faults now in force. The first that fits a request hits it. */
export class OssFaults {
  #active: Array<OssFault & { left: number }> = [];
  readonly #hits = new Map<OssFaultMode, number>();
  readonly #random: () => number;

  constructor(random: () => number = Math.random) {
    this.#random = random;
  }

  /** Adds a fault to those in force; the returned function takes it back. */
  set(fault: OssFault): () => void {
    const entry = { ...fault, left: fault.times ?? Number.POSITIVE_INFINITY };
    this.#active.push(entry);
    return () => {
      this.#active = this.#active.filter((other) => other !== entry);
    };
  }

  clear(): void {
    this.#active = [];
  }

  /** How many requests each mode has hit so far. */
  counts(): Partial<Record<OssFaultMode, number>> {
    return Object.fromEntries(this.#hits);
  }

  /** Called once per request: what to do wrong with it, or null. */
  take(kind: OssRequestKind, bucket: string | null): OssFaultMode | null {
    const hit = this.#active.find(
      (fault) =>
        (fault.kind === 'any' || fault.kind === kind) &&
        canShow(fault.mode, kind) &&
        (fault.bucket === undefined || fault.bucket === bucket) &&
        (fault.probability === undefined || this.#random() < fault.probability),
    );
    if (!hit) return null;
    hit.left -= 1;
    if (hit.left <= 0) this.#active = this.#active.filter((fault) => fault !== hit);
    hit.onHit?.();
    this.#hits.set(hit.mode, (this.#hits.get(hit.mode) ?? 0) + 1);
    return hit.mode;
  }
}
