import { type EvidenceLine, formatEvidence } from '../../src/core/evidence.ts';
import { CALLBACK_URL, configOf, START } from './judging.ts';

type LineOf<T extends EvidenceLine['type']> = Extract<EvidenceLine, { type: T }>;
const CAM01 = { domain: 'play.example.com', app: 'live', stream: 'cam01' };
const SECOND = 1_000;

/** Lines of an evidence file; instants in seconds after START. What is not given is as in an undisturbed broadcast. */
export const line = {
  window: (to: number, changes: Partial<LineOf<'window'>> = {}): EvidenceLine => ({
    type: 'window',
    from: START,
    to: START + to * SECOND,
    now: START + (to + 3_600) * SECOND,
    settleSeconds: 60,
    lateAfterSeconds: 30,
    callbackUrl: CALLBACK_URL,
    ...changes,
  }),
  config: (changes: Partial<LineOf<'config'>> = {}): EvidenceLine => ({ type: 'config', ...configOf(), ...changes }),
  session: (from: number, to: number | null, changes: Partial<LineOf<'session'>> = {}): EvidenceLine => ({
    type: 'session',
    ...CAM01,
    startedAt: START + from * SECOND,
    endedAt: to === null ? null : START + to * SECOND,
    ...changes,
  }),
  callback: (at: number, changes: Partial<LineOf<'callback'>> = {}): EvidenceLine => ({
    type: 'callback',
    ...CAM01,
    bucket: 'b',
    object: nameAt(at),
    capturedAt: null,
    receivedAt: START + (at + 1) * SECOND,
    verified: true,
    ...changes,
  }),
  object: (at: number, changes: Partial<LineOf<'object'>> = {}): EvidenceLine => ({
    type: 'object',
    bucket: 'b',
    key: nameAt(at),
    lastModified: START + at * SECOND,
    size: 30_000,
    ...changes,
  }),
  index: (at: number, changes: Partial<LineOf<'index'>> = {}): EvidenceLine => ({
    type: 'index',
    ...CAM01,
    object: nameAt(at),
    createdAt: START + at * SECOND,
    overlay: false,
    ...changes,
  }),
  listed: (from: number, to: number, changes: Partial<LineOf<'listed'>> = {}): EvidenceLine => ({
    type: 'listed',
    bucket: 'b',
    prefix: 'snapshot/live/',
    from: START + from * SECOND,
    to: START + to * SECOND,
    ...changes,
  }),
  indexed: (from: number, to: number, changes: Partial<LineOf<'indexed'>> = {}): EvidenceLine => ({
    type: 'indexed',
    ...CAM01,
    from: START + from * SECOND,
    to: START + to * SECOND,
    ...changes,
  }),
};

export function nameAt(at: number, stream = 'cam01'): string {
  return `snapshot/live/${stream}/${START / SECOND + at}.jpg`;
}

/** `seconds` of a broadcast that everybody saw, without the captures at `except`. */
export function broadcast(seconds: number, except: readonly number[] = []): EvidenceLine[] {
  const lines = [
    line.window(seconds),
    line.config(),
    line.session(0, seconds),
    line.listed(0, seconds),
    line.indexed(0, seconds),
  ];
  for (let at = 0; at < seconds; at += 10) {
    if (!except.includes(at)) lines.push(line.callback(at), line.object(at));
  }
  return lines;
}

export const textOf = (lines: readonly EvidenceLine[]) => lines.map(formatEvidence);
