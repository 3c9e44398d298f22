import type { Instant } from './instant.ts';
import type { PushProblem } from './quarantine-reason.ts';

/** A publish callback as told by the query of a GET (reference/live-api.md 4). */
export interface PushCallback {
  kind: 'publish' | 'publish_done';
  /** `app` of the query: the ingest domain, or the streaming domain where no ingest domain is bound. */
  pushDomain: string;
  app: string;
  /** As told, which may be in lower case. */
  stream: string;
  at: Instant;
}

const CONTROL = /\p{Cc}/u;

export function readPushCallback(
  query: URLSearchParams,
): { ok: true; callback: PushCallback } | { ok: false; problem: PushProblem } {
  const kind = query.get('action');
  if (kind !== 'publish' && kind !== 'publish_done') return { ok: false, problem: 'unknown-action' };
  const pushDomain = query.get('app') ?? '';
  const app = query.get('appname') ?? '';
  const stream = query.get('id') ?? '';
  if (pushDomain === '') return { ok: false, problem: 'missing-domain' };
  if (app === '') return { ok: false, problem: 'missing-app' };
  if (stream === '') return { ok: false, problem: 'missing-stream' };
  for (const name of [pushDomain, app, stream]) {
    if (Buffer.byteLength(name) > 255) return { ok: false, problem: 'name-too-long' };
    if (CONTROL.test(name) || !name.isWellFormed()) return { ok: false, problem: 'name-with-control-characters' };
  }
  const time = query.get('time') ?? '';
  if (!/^\d{10}(\d{3})?$/.test(time)) return { ok: false, problem: 'time-malformed' };
  const at = time.length === 13 ? Number(time) : Number(time) * 1000;
  return { ok: true, callback: { kind, pushDomain, app, stream, at } };
}
