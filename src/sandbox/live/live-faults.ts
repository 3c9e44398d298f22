const LIVE_FAULT_MODES = [
  '500-json',
  '503-html',
  'throttle',
  'timeout',
  'timeout-after-effect',
  'reset',
  'non-json-200',
  'code',
] as const;
export type LiveFaultMode = (typeof LIVE_FAULT_MODES)[number];

export interface LiveFault {
  /** Only calls of this action; absent: every action. */
  action?: string;
  mode: LiveFaultMode;
  /** Strikes this many calls, then is spent; absent: until taken back. */
  times?: number;
  /** For mode `code`: what the call is refused with. */
  code?: string;
  /** For mode `code`: the HTTP status, default 400. */
  status?: number;
  /** Told of each call that it strikes. */
  onHit?: () => void;
}

/** Faults that the Live endpoint shows on purpose; the first that fits a call strikes it. */
export interface LiveFaults {
  /** Adds a fault to those in force; the returned function takes it back. */
  set(fault: LiveFault): () => void;
  /** The fault that strikes this call, counting it; null for a healthy call. */
  strike(action: string): LiveFault | null;
}

export function createLiveFaults(): LiveFaults {
  let faults: { fault: LiveFault; left: number }[] = [];
  return {
    set(fault) {
      const entry = { fault, left: fault.times ?? Number.POSITIVE_INFINITY };
      faults.push(entry);
      return () => {
        faults = faults.filter((other) => other !== entry);
      };
    },
    strike(action) {
      const hit = faults.find(({ fault, left }) => left > 0 && (fault.action === undefined || fault.action === action));
      if (!hit) return null;
      hit.left -= 1;
      faults = faults.filter(({ left }) => left > 0);
      hit.fault.onHit?.();
      return hit.fault;
    },
  };
}
