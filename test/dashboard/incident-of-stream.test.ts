import { describe, expect, it } from 'vitest';
import type { LiveIncident, WallStream } from '../../src/dashboard/client/api.ts';
import { incidentOfStream } from '../../src/dashboard/client/wall/incident-of-stream.ts';

const incident = (
  id: number,
  scope: Partial<LiveIncident['scope']>,
  more: Partial<LiveIncident> = {},
): LiveIncident => ({
  id,
  kind: 'gap',
  severity: 'critical',
  status: 'open',
  scope: { domain: null, app: null, stream: null, ...scope },
  since: '2026-11-24T12:00:00.000Z',
  cause: null,
  ...more,
});

const card = (stream: string, more: Partial<WallStream> = {}): WallStream => ({
  domain: 'play.example.com',
  app: 'live',
  stream,
  status: 'gap',
  lastCaptureAt: null,
  intervalSeconds: 10,
  gap: null,
  coverage: null,
  strip: '',
  bad: '',
  ...more,
});

describe('the incident on a card', () => {
  const own = incident(1, { domain: 'play.example.com', app: 'live', stream: 'cam01' });
  const ofApp = incident(2, { domain: 'play.example.com', app: 'live' });
  const ofDomain = incident(3, { domain: 'play.example.com' });
  const ofAll = incident(4, {}, { kind: 'blind' });

  it('is its own, or else that of the app, the domain, or everything', () => {
    const all = incidentOfStream([ofAll, ofDomain, ofApp, own]);
    expect(all(card('cam01'))?.id).toBe(1);
    expect(all(card('cam02'))?.id).toBe(2);
    expect(all(card('cam01', { app: 'other' }))?.id).toBe(3);
    expect(all(card('cam01', { domain: 'else.example.com' }))?.id).toBe(4);
    expect(incidentOfStream([own, ofApp])(card('cam01', { app: 'other' }))).toBeNull();
  });

  it('is the worst of one scope: the first', () => {
    const late = incident(5, { domain: 'play.example.com', app: 'live' }, { severity: 'info' });
    expect(incidentOfStream([ofApp, late])(card('cam02'))?.id).toBe(2);
  });

  it('is never a wider one where the stream is offline', () => {
    const all = incidentOfStream([ofAll, ofApp, own]);
    expect(all(card('cam02', { status: 'offline' }))).toBeNull();
    expect(all(card('cam01', { status: 'offline' }))?.id).toBe(1);
  });

  it('is never one about our own messages', () => {
    expect(incidentOfStream([incident(6, {}, { kind: 'channel_failing' })])(card('cam01'))).toBeNull();
  });
});
