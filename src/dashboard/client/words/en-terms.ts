import type { IncidentKind, IncidentStatus, Severity } from '../../../core/incident.ts';
import type { NotificationEvent, NotificationStatus } from '../../../core/notification-status.ts';
import type { NamedReason } from '../../../core/quarantine-reason.ts';
import type { StreamStatus } from '../../../core/stream-status.ts';
import type { Scope } from '../../../core/token-scope.ts';
import type { Cause, Verdict } from '../../../core/verdict.ts';

/** The closed lists of words, in English: the compiler asks for each. */

const statuses: Record<StreamStatus, string> = {
  on_time: 'On time',
  late: 'Late',
  gap: 'Gap',
  offline: 'Offline',
  paused: 'Paused',
  maintenance: 'Maintenance',
  unknown: 'Unknown',
};

const verdicts: Record<Verdict, string> = {
  pending: 'Pending',
  ok: 'OK',
  late: 'Late',
  callback_missing: 'Callback missing',
  object_missing: 'Object missing',
  not_captured: 'Not captured',
  misnamed: 'Misnamed',
  unexpected: 'Unexpected',
  excused: 'Excused',
  unknown: 'Unknown',
};

const verdictReasons: Record<Verdict, string> = {
  pending: 'Too early to say: the audit has not come this far yet.',
  ok: 'The callback came in time and the object is in OSS.',
  late: 'The object is in OSS, but the callback came later than is allowed.',
  callback_missing: 'The object is in OSS, but no callback told us of it.',
  object_missing: 'The capture was made, but its object is not in OSS.',
  not_captured: 'Nobody saw this capture: no callback, no object, and the vendor’s index does not list it.',
  misnamed: 'Callback and object are there, but the name is not what the template in force gives.',
  unexpected: 'A capture outside every session, or beyond the beat.',
  excused: 'Maintenance or a pause covers this slot, so nothing is held against anybody.',
  unknown: 'We could not look, so we do not know.',
};

const causes: Record<Cause, string> = {
  late_delivery: 'delivered late',
  wrong_name: 'wrong name',
  receiver_down: 'our receiver was down',
  callback_not_ours: 'callback URL was not ours',
  callback_rejected: 'we rejected the callback',
  delivery_lost: 'lost on the way to us',
  object_expired: 'expired by lifecycle rule',
  object_deleted: 'object was deleted',
  never_stored: 'never stored',
  unconfirmed: 'unconfirmed claim',
  not_captured: 'not captured',
  interval_drift: 'interval drifted',
  no_session: 'no session',
  beyond_beat: 'beyond the beat',
  listing_failed: 'OSS listing failed',
  index_failed: 'vendor index failed',
  undetermined: 'undetermined',
};

const causeReasons: Record<Cause, string> = {
  late_delivery: 'The callback arrived after the allowed delay.',
  wrong_name: 'The object name does not match the template that was in force for this session.',
  receiver_down: 'None of our receivers was alive while the callback was due: our outage, not the vendor’s.',
  callback_not_ours: 'The config in force for this session sent callbacks to another address.',
  callback_rejected: 'A request that we turned away names this object; see quarantine.',
  delivery_lost: 'We could have been told and were not: the vendor did not deliver the callback.',
  object_expired: 'A lifecycle rule of the bucket covers its age.',
  object_deleted: 'The vendor’s index lists it, OSS does not: somebody removed it.',
  never_stored: 'A signed callback told of it, but neither OSS nor the vendor’s index knows it.',
  unconfirmed: 'An unsigned claim that nothing supports.',
  not_captured: 'The stream was on air and a capture was due.',
  interval_drift: 'The captures keep a steady beat other than the configured interval.',
  no_session: 'It lies outside every session that we know of.',
  beyond_beat: 'It lies between two beats.',
  listing_failed: 'OSS could not be listed for this time.',
  index_failed: 'The vendor’s index could not be read for this time.',
  undetermined:
    'The vendor’s index or the bucket’s rules could not be asked, or we rejected more callbacks than we could note, so the reason stays open.',
};

const incidentKinds: Record<IncidentKind, string> = {
  gap: 'Gap',
  silence: 'Callbacks stopped',
  interval_drift: 'Interval drift',
  naming: 'Wrong names',
  config_drift: 'Config drift',
  pending_reingest: 'Former config until pushed again',
  two_callbacks: 'Two callback URLs',
  enforce_fight: 'Somebody undoes our config',
  rejected_callbacks: 'Rejected callbacks',
  blind: 'We are blind',
  audit_stalled: 'Audit stalled',
  spool_not_draining: 'Spool does not drain',
  forward_refused: 'Callbacks not passed on',
  channel_failing: 'Channel failing',
};

const incidentStatuses: Record<IncidentStatus, string> = {
  open: 'Open',
  acknowledged: 'Acknowledged',
  resolved: 'Resolved',
};

const severities: Record<Severity, string> = { info: 'Info', warning: 'Warning', critical: 'Critical' };

const transitions = {
  opened: 'Opened',
  reopened: 'Opened again',
  updated: 'Updated',
  confirmed: 'Confirmed by the audit',
  acknowledged: 'Acknowledged',
  'acknowledge-expired': 'Acknowledgement expired',
  folded: 'Folded into a wider incident',
  resolved: 'Resolved',
};

const messageEvents: Record<NotificationEvent, string> = {
  opened: 'Opened',
  reopened: 'Opened again',
  updated: 'Updated',
  resolved: 'Resolved',
  repeat: 'Repeated',
  test: 'Test',
};

const messageStatuses: Record<NotificationStatus, string> = {
  pending: 'waits',
  sending: 'being sent',
  sent: 'sent',
  failed: 'failed',
  superseded: 'overtaken by a newer one',
  silenced: 'silenced',
};

const domainModes = { observe: 'observed', enforce: 'enforced' };

const scopes: Record<Scope, string> = {
  read: 'may look',
  operate: 'may act on findings',
  admin: 'may change everything',
};

const quarantineReasons: Record<NamedReason, string> = {
  'signature-missing': 'not signed',
  'signature-malformed': 'signature malformed',
  'signature-mismatch': 'signature does not match',
  'timestamp-malformed': 'timestamp malformed',
  'timestamp-outside-window': 'timestamp too far from our clock',
  'not-utf-8': 'body is not UTF-8',
  'not-json': 'body is not JSON',
  'not-an-object': 'body is no JSON object',
  'too-many-items': 'too many captures in one body',
  'nested-too-deep': 'body nested too deep',
  'missing-domain': 'domain missing',
  'missing-app': 'app missing',
  'missing-stream': 'stream missing',
  'missing-object': 'object name missing',
  'name-too-long': 'a name is too long',
  'name-with-control-characters': 'a name holds control characters',
  'unknown-action': 'neither publish nor publish_done',
  'time-malformed': 'time malformed',
  'too-many-new-streams': 'too many new streams at once',
  'too-many-new-shapes': 'too many new forms of the body at once',
  'too-many-new-days': 'captures of too many days at once',
  'names-not-kept': 'more were rejected in this minute than could be kept',
  'instant-implausible': 'implausible time',
  'unknown-push-domain': 'ingest domain is not in the settings',
};

const quarantineOutcomes = {
  stored: 'stored',
  dropped: 'dropped',
  still: (reason: string) => `tried again: ${reason}`,
};

export const enTerms = {
  statuses,
  verdicts,
  verdictReasons,
  causes,
  causeReasons,
  incidentKinds,
  incidentStatuses,
  severities,
  transitions,
  messageEvents,
  messageStatuses,
  domainModes,
  scopes,
  quarantineReasons,
  quarantineOutcomes,
};

export type Terms = typeof enTerms;
