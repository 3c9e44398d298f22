import type { FaultKind } from './fault-kinds.ts';

/** One thing that was made to go wrong while it ran, and what a right audit calls it. */
export interface InjectedRow {
  fault: FaultKind;
  domain: string | null;
  app: string | null;
  stream: string | null;
  /** The first and the last instant concerned, ms. */
  from: number;
  to: number;
  captures: number;
  /** Null where it is nothing about slots (a config that drifted, an endpoint that was away). */
  expectedVerdict: string | null;
  expectedCause: string | null;
}

/** The table of the design (2.1) for a fault that comes alone; `signed`: the vendor signs with a key of ours. */
function expectedOf(fault: FaultKind, signed: boolean): { verdict: string; cause: string | null } | null {
  switch (fault) {
    case 'callback_dropped':
      return { verdict: 'callback_missing', cause: 'delivery_lost' };
    case 'callback_delayed':
      return { verdict: 'late', cause: 'late_delivery' };
    case 'callback_twice':
      return { verdict: 'ok', cause: null };
    case 'callback_badly_signed':
      return { verdict: 'callback_missing', cause: 'callback_rejected' };
    case 'callback_forged':
    case 'object_not_stored':
      return { verdict: 'object_missing', cause: signed ? 'never_stored' : 'unconfirmed' };
    case 'object_deleted':
      return { verdict: 'object_missing', cause: 'object_deleted' };
    case 'object_expired':
      return { verdict: 'object_missing', cause: 'object_expired' };
    case 'object_misnamed':
      return { verdict: 'misnamed', cause: 'wrong_name' };
    case 'capture_skipped':
      return { verdict: 'not_captured', cause: 'not_captured' };
    case 'beat_slower':
      return { verdict: 'not_captured', cause: 'interval_drift' };
    case 'beat_faster':
      return { verdict: 'unexpected', cause: 'interval_drift' };
    case 'callback_url_changed':
      return { verdict: 'callback_missing', cause: 'callback_not_ours' };
    case 'receiver_down':
      return { verdict: 'callback_missing', cause: 'receiver_down' };
    case 'capture_outside_session':
      return { verdict: 'unexpected', cause: 'no_session' };
    case 'listing_failed':
      return { verdict: 'unknown', cause: 'listing_failed' };
    case 'index_failed':
      return { verdict: 'unknown', cause: 'index_failed' };
    case 'interval_changed':
    case 'oss_unavailable':
    case 'oss_throttled':
    case 'oss_timeout':
    case 'live_unavailable':
    case 'live_throttled':
    case 'live_timeout':
      return null;
    default:
      throw new RangeError(fault satisfies never);
  }
}

/** Collects what was injected; captures of one run share a row. */
export class GroundTruth {
  readonly #rows: InjectedRow[] = [];
  readonly #runs = new Map<object, InjectedRow>();

  rows(): InjectedRow[] {
    return this.#rows.map((row) => ({ ...row }));
  }

  /** Whether anything was injected by this order. */
  has(order: object): boolean {
    return this.#runs.has(order);
  }

  /** `order` is the identity of the run: the same one again makes its row longer. */
  note(
    order: object,
    fault: FaultKind,
    where: { domain: string; app: string; stream: string } | null,
    at: { from: number; to: number; captures: number },
    signed: boolean,
  ): void {
    const known = this.#runs.get(order);
    if (known) {
      known.from = Math.min(known.from, at.from);
      known.to = Math.max(known.to, at.to);
      known.captures += at.captures;
      return;
    }
    const expected = expectedOf(fault, signed);
    const row: InjectedRow = {
      fault,
      domain: where?.domain ?? null,
      app: where?.app ?? null,
      stream: where?.stream ?? null,
      ...at,
      expectedVerdict: expected?.verdict ?? null,
      expectedCause: expected?.cause ?? null,
    };
    this.#runs.set(order, row);
    this.#rows.push(row);
  }
}
