import type { ForwardedCallback, IncomingCapture, QuarantineEntry, SessionSignal, SpoolKind } from '../ports.ts';

/** Items as the spool holds them: JSON, the raw body of a quarantined request in base64. */
export function encodeSpooled(kind: SpoolKind, item: unknown): string {
  if (kind !== 'quarantine') return JSON.stringify(item);
  const entry = item as QuarantineEntry;
  return JSON.stringify({ ...entry, body: Buffer.from(entry.body).toString('base64') });
}

export function decodeSpooled(kind: 'capture', payload: string): IncomingCapture;
export function decodeSpooled(kind: 'signal', payload: string): SessionSignal;
export function decodeSpooled(kind: 'quarantine', payload: string): QuarantineEntry;
export function decodeSpooled(kind: 'forward', payload: string): ForwardedCallback;
export function decodeSpooled(kind: SpoolKind, payload: string): unknown {
  const item = JSON.parse(payload);
  return kind === 'quarantine' ? { ...item, body: Buffer.from(item.body, 'base64') } : item;
}
