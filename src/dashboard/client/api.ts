import type { z } from 'zod';
import type { IncidentKind, IncidentStatus, Severity } from '../../core/incident.ts';
import type { NotificationEvent, NotificationStatus } from '../../core/notification-status.ts';
import { toPathSegment } from '../../core/path-segment.ts';
import type {
  outcomeSchema,
  planSchema,
  restorePlanSchema,
  stepSchema,
} from '../../http/api/config-control-schemas.ts';
import type {
  auditSchema,
  captureSchema,
  configVersionSchema,
  coverageSchema,
  gapSchema,
  quarantineSchema,
  sessionSchema,
  slotSchema,
  streamSchema,
} from '../../http/api/history-schemas.ts';
import type {
  indexLookSchema,
  objectLookSchema,
  slotViewSchema,
  timelineSchema,
} from '../../http/api/timeline-schemas.ts';
import type { liveIncidentSchema, wallChangeSchema, wallStreamSchema } from '../../http/api/wall-schemas.ts';
import type { ReportAnswer } from '../../usecases/render-delivery-report.ts';

/** What the API answers, as it comes over the wire: instants are RFC 3339 texts. */
export type WallChange = z.input<typeof wallChangeSchema>;
export type WallStream = z.input<typeof wallStreamSchema>;
export type LiveIncident = z.input<typeof liveIncidentSchema>;
export type Stream = z.input<typeof streamSchema>;
export type Session = z.input<typeof sessionSchema>;
export type Capture = z.input<typeof captureSchema>;
export type Gap = z.input<typeof gapSchema>;
export type Slot = z.input<typeof slotSchema>;
export type Coverage = z.input<typeof coverageSchema>;
export type Audit = z.input<typeof auditSchema>;
export type ConfigVersion = z.input<typeof configVersionSchema>;
export type Quarantined = z.input<typeof quarantineSchema>;
export type Timeline = z.input<typeof timelineSchema>;
export type SlotView = z.input<typeof slotViewSchema>;
export type ObjectLook = z.input<typeof objectLookSchema>;
export type IndexLook = z.input<typeof indexLookSchema>;

export type DeliveryReport = ReportAnswer;
export type Plan = z.input<typeof planSchema>;
export type RestorePlan = z.input<typeof restorePlanSchema>;
export type PlanStep = z.input<typeof stepSchema>;
export type Outcome = z.input<typeof outcomeSchema>;

/** As http/api/incident-routes.ts describes it. */
export interface Incident {
  id: number;
  kind: IncidentKind;
  domain: string | null;
  app: string | null;
  stream: string | null;
  status: IncidentStatus;
  severity: Severity;
  since: string;
  openedAt: string;
  clearSince: string | null;
  resolvedAt: string | null;
  confirmedAt: string | null;
  affectedStreams: number;
  totalStreams: number;
  missedSlots: number | null;
  expectedSlots: number | null;
  cause: string | null;
  verdict: string | null;
  lastGoodAt: string | null;
  streams: string[];
  detail: string | null;
  foldedInto: number | null;
  acknowledgedAt: string | null;
  acknowledgedBy: string | null;
  acknowledgedUntil: string | null;
  acknowledgeReason: string | null;
}

export interface IncidentDetail extends Incident {
  transitions: { id: number; at: string; kind: string; actor: string; reason: string | null }[];
}

export interface Notification {
  id: number;
  channel: string;
  event: NotificationEvent;
  status: NotificationStatus;
  createdAt: string;
  sentAt: string | null;
  error: string | null;
  summary: string | null;
}

export interface Silence {
  id: number;
  kind: IncidentKind | null;
  domain: string | null;
  app: string | null;
  stream: string | null;
  from: string;
  until: string;
  reason: string;
  author: string;
  endedAt: string | null;
}

export interface Page<Row> {
  data: Row[];
  next: string | null;
}

export interface SignedIn {
  required: boolean;
  actor: { name: string; scope: 'read' | 'operate' | 'admin' } | null;
}

/** What the API said instead (problem+json), or that it could not be reached (status 0). */
export class ApiError extends Error {
  override readonly name = 'ApiError';
  readonly status: number;
  constructor(status: number, detail: string) {
    super(detail);
    this.status = status;
  }
}

export type Parameters = Record<string, string | number | boolean | readonly string[] | null | undefined>;

export function pathOf(path: string, parameters: Parameters = {}): string {
  const search = new URLSearchParams();
  for (const [key, value] of Object.entries(parameters)) {
    if (value === null || value === undefined || value === '') continue;
    for (const each of Array.isArray(value) ? value : [value]) search.append(key, String(each));
  }
  const query = search.toString();
  return `/api/v1${path}${query && `?${query}`}`;
}

export function get<Answer>(path: string, parameters?: Parameters, signal?: AbortSignal): Promise<Answer> {
  return call<Answer>('GET', pathOf(path, parameters), undefined, signal);
}

export function send<Answer>(method: 'POST' | 'PUT' | 'DELETE', path: string, body?: unknown): Promise<Answer> {
  return call<Answer>(method, pathOf(path), body);
}

/** What early.ts has asked already, or null; each answer is handed out once. */
export async function takeEarly<Answer>(what: 'session' | 'firstScreen'): Promise<Answer | null> {
  const asked = (globalThis as { snapauditEarly?: Record<string, Promise<unknown>> }).snapauditEarly ?? {};
  const answer = asked[what];
  delete asked[what];
  return ((await answer) ?? null) as Answer | null;
}

/** Told when a call finds out that nobody is signed in (any more). */
let onSignedOut = () => {};
export function whenSignedOut(callback: () => void): void {
  onSignedOut = callback;
}

async function call<Answer>(method: string, url: string, body?: unknown, signal?: AbortSignal): Promise<Answer> {
  let response: Response;
  try {
    response = await fetch(url, {
      method,
      credentials: 'same-origin',
      headers: {
        // A page of another site cannot send it: see http/auth.ts.
        'X-Snapaudit-Request': 'dashboard',
        ...(body === undefined ? {} : { 'Content-Type': 'application/json' }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      ...(signal && { signal }),
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(0, '');
  }
  if (response.status === 204) return undefined as Answer;
  const answer: unknown = await response.json().catch(() => null);
  if (response.ok) return answer as Answer;
  if (response.status === 401 && !url.endsWith('/session')) onSignedOut();
  throw new ApiError(response.status, detailOf(answer));
}

function detailOf(answer: unknown): string {
  if (typeof answer !== 'object' || answer === null || !('detail' in answer)) return '';
  const parts =
    'errors' in answer && Array.isArray(answer.errors)
      ? answer.errors.map((part: { name?: string; message?: string }) =>
          `${part.name ?? ''} ${part.message ?? ''}`.trim(),
        )
      : [];
  return [String(answer.detail), ...parts].join(' ');
}

export function streamPath(key: { domain: string; app: string; stream: string }): string {
  return `/streams/${[key.domain, key.app, key.stream].map(toPathSegment).join('/')}`;
}
