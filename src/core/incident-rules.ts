/** Settings of alerting, as the deciding functions take them. The defaults stand in config/notify-settings.ts. */
export interface IncidentRules {
  /** How long the facts must be good before an incident is resolved. */
  resolveAfterSeconds: number;
  /** The same for an incident that was reopened within the last `flapWindowSeconds`. */
  flapHoldSeconds: number;
  flapWindowSeconds: number;
  /** Trouble of the same scope within this time of the resolution reopens the incident. */
  reopenWithinSeconds: number;
  /** At most so long does a resolution wait for the audit to say what happened. */
  auditWaitSeconds: number;
  storm: StormRules;
}

export interface StormRules {
  /** A scope is in a storm when more than this share of its streams on air is affected … */
  ratio: number;
  /** … and at least so many streams. */
  minStreams: number;
}

export interface WatchRules {
  /** So many beats in a row may fail to come … */
  misses: number;
  /** … plus this much lateness, before a stream is suspected. */
  graceSeconds: number;
  /** Suspect as well when more than `ratio` of the slots of the last `overSeconds` brought no callback. */
  missRatio: { ratio: number; overSeconds: number } | null;
}
