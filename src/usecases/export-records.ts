import { formatInstant, type Instant } from '../core/instant.ts';
import type { Slot } from '../core/session-slots.ts';
import { VERDICTS } from '../core/verdict.ts';
import type { AuditRead, QuarantineRead, RecordedOperation } from '../ports.ts';
import type { CaptureView } from './query-captures.ts';
import type { CoverageView } from './query-coverage.ts';
import type { GapView } from './query-gaps.ts';
import type { SessionView } from './query-sessions.ts';
import type { StreamView } from './query-streams.ts';

/**
 * Rows as people take them away: flat, plain JSON values, instants in RFC 3339. The keys are the columns of a CSV file, in
 * this order; a row has all of them.
 */
export type ExportValue = string | number | boolean | null;
export type ExportRecord<Column extends string> = Record<Column, ExportValue>;

export const CAPTURE_COLUMNS = [
  'id',
  'domain',
  'app',
  'stream',
  'capturedAt',
  'receivedAt',
  'delayMs',
  'verdict',
  'cause',
  'bucket',
  'endpoint',
  'object',
  'sources',
  'verified',
  'deliveries',
] as const;

export function captureRecord(row: CaptureView): ExportRecord<(typeof CAPTURE_COLUMNS)[number]> {
  return {
    id: row.id,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    capturedAt: formatInstant(row.capturedAt),
    receivedAt: instantOrNull(row.receivedAt),
    delayMs: row.delayMs,
    verdict: row.verdict,
    cause: row.cause,
    bucket: row.bucket,
    endpoint: row.endpoint,
    object: row.object,
    sources: row.sources.join(' '),
    verified: row.verified,
    deliveries: row.deliveries,
  };
}

export const GAP_COLUMNS = [
  'id',
  'domain',
  'app',
  'stream',
  'from',
  'to',
  'slots',
  'verdict',
  'cause',
  'mode',
  'open',
  'sessionStartedAt',
  'reason',
] as const;

export function gapRecord(row: GapView): ExportRecord<(typeof GAP_COLUMNS)[number]> {
  return {
    id: row.id,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    from: formatInstant(row.from),
    to: formatInstant(row.to),
    slots: row.slots,
    verdict: row.verdict,
    cause: row.cause,
    mode: row.mode,
    open: row.open,
    sessionStartedAt: instantOrNull(row.sessionStartedAt),
    reason: row.reason,
  };
}

export const COVERAGE_COLUMNS = ['from', 'to', 'domain', 'app', 'stream', 'counted', 'coverage', ...VERDICTS] as const;

export function coverageRecord(row: CoverageView): ExportRecord<(typeof COVERAGE_COLUMNS)[number]> {
  return {
    from: formatInstant(row.from),
    to: formatInstant(row.to),
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    counted: row.counted,
    coverage: row.coverage,
    ...row.slots,
  };
}

export const STREAM_COLUMNS = [
  'domain',
  'app',
  'stream',
  'status',
  'onAir',
  'startedAt',
  'endedAt',
  'intervalSeconds',
  'lastCaptureAt',
  'gapFrom',
  'gapSlots',
  'gapVerdict',
  'gapCause',
  'excusedTo',
  'excusedReason',
  'auditedUntil',
] as const;

export function streamRecord(row: StreamView): ExportRecord<(typeof STREAM_COLUMNS)[number]> {
  return {
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    status: row.status,
    onAir: row.onAir,
    startedAt: instantOrNull(row.startedAt),
    endedAt: instantOrNull(row.endedAt),
    intervalSeconds: row.intervalSeconds,
    lastCaptureAt: instantOrNull(row.lastCaptureAt),
    gapFrom: instantOrNull(row.openGap?.from ?? null),
    gapSlots: row.openGap?.slots ?? null,
    gapVerdict: row.openGap?.verdict ?? null,
    gapCause: row.openGap?.cause ?? null,
    excusedTo: instantOrNull(row.excused?.to ?? null),
    excusedReason: row.excused?.reason ?? null,
    auditedUntil: instantOrNull(row.auditedUntil),
  };
}

export const SESSION_COLUMNS = [
  'id',
  'domain',
  'app',
  'stream',
  'startedAt',
  'endedAt',
  'certainty',
  'coverage',
  ...VERDICTS,
] as const;

export function sessionRecord(row: SessionView): ExportRecord<(typeof SESSION_COLUMNS)[number]> {
  return {
    id: row.id,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    startedAt: formatInstant(row.startedAt),
    endedAt: instantOrNull(row.endedAt),
    certainty: row.certainty,
    coverage: row.coverage,
    ...row.slots,
  };
}

export const SLOT_COLUMNS = ['at', 'verdict', 'cause', 'captureId'] as const;

export function slotRecord(row: Slot): ExportRecord<(typeof SLOT_COLUMNS)[number]> {
  return { at: formatInstant(row.at), verdict: row.verdict, cause: row.cause, captureId: row.captureId };
}

export const OPERATION_COLUMNS = [
  'id',
  'at',
  'actor',
  'action',
  'target',
  'detail',
  'status',
  'remoteAddress',
] as const;

export function operationRecord(row: RecordedOperation): ExportRecord<(typeof OPERATION_COLUMNS)[number]> {
  const detail = row.detail === null ? null : JSON.stringify(row.detail);
  return { ...row, at: formatInstant(row.at), detail };
}

export const AUDIT_COLUMNS = [
  ...(['id', 'domain', 'app', 'kind', 'from', 'to', 'startedAt', 'finishedAt', 'status', 'error', 'streams'] as const),
  ...(['listCalls', 'headCalls', 'indexCalls', 'keys', 'captures', 'restored', 'seconds'] as const),
] as const;

export function auditRecord(row: AuditRead): ExportRecord<(typeof AUDIT_COLUMNS)[number]> {
  return {
    ...row,
    from: formatInstant(row.from),
    to: formatInstant(row.to),
    startedAt: formatInstant(row.startedAt),
    finishedAt: instantOrNull(row.finishedAt),
  };
}

export const QUARANTINE_COLUMNS = [
  'id',
  'receivedAt',
  'kind',
  'reason',
  'remoteAddress',
  'domain',
  'app',
  'stream',
  'object',
  'bodyBytes',
  'retriedAt',
  'outcome',
] as const;

export function quarantineRecord(row: QuarantineRead): ExportRecord<(typeof QUARANTINE_COLUMNS)[number]> {
  return {
    id: row.id,
    receivedAt: formatInstant(row.receivedAt),
    kind: row.kind,
    reason: row.reason,
    remoteAddress: row.remoteAddress,
    domain: row.domain,
    app: row.app,
    stream: row.stream,
    object: row.object,
    bodyBytes: row.bodyBytes,
    retriedAt: instantOrNull(row.retriedAt),
    outcome: row.outcome,
  };
}

function instantOrNull(instant: Instant | null): string | null {
  return instant === null ? null : formatInstant(instant);
}
