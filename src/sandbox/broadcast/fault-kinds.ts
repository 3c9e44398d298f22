/** Everything that can be made to go wrong with one capture, on purpose. */
export const CAPTURE_FAULTS = [
  'callback_dropped',
  'callback_delayed',
  'callback_twice',
  'callback_badly_signed',
  /** A callback for a slot that was never captured: somebody replayed a signature. */
  'callback_forged',
  'object_not_stored',
  'object_deleted',
  'object_misnamed',
  'capture_skipped',
] as const;
export type CaptureFault = (typeof CAPTURE_FAULTS)[number];

/** What can go wrong around the captures. */
const SURROUNDING_FAULTS = [
  'beat_slower',
  'beat_faster',
  'callback_url_changed',
  'interval_changed',
  'receiver_down',
  'listing_failed',
  'index_failed',
  'object_expired',
  'capture_outside_session',
] as const;
export type SurroundingFault = (typeof SURROUNDING_FAULTS)[number];

/** What the vendor's two endpoints can do wrong for a while. */
export const ENDPOINT_FAULTS = [
  'oss_unavailable',
  'oss_throttled',
  'oss_timeout',
  'live_unavailable',
  'live_throttled',
  'live_timeout',
] as const;
export type EndpointFault = (typeof ENDPOINT_FAULTS)[number];

export type FaultKind = CaptureFault | SurroundingFault | EndpointFault;
