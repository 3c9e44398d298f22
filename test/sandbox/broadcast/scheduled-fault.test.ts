import { describe, expect, it } from 'vitest';
import { parseFaultsFile } from '../../../src/sandbox/broadcast/scheduled-fault.ts';

const CAST = {
  domains: ['play.example.com'],
  apps: ['live'],
  streams: ['cam01', 'cam02', 'cam03', 'cam04'],
  hasReceiver: false,
  pauseMs: 15_000,
};

describe('a faults file', () => {
  it('says what goes wrong with which captures, and when', () => {
    const text = `
faults:
  - { fault: callback_dropped, stream: cam01, session: 2, captures: 7-9 }
  - { fault: callback_delayed, stream: cam02, captures: 5, after: 45s }
  - { fault: beat_slower, stream: cam03 }
  - { fault: callback_url_changed, app: live, at: 2m }
  - { fault: oss_unavailable, at: 3m, for: 20s }
`;
    expect(parseFaultsFile(text, CAST)).toEqual([
      { fault: 'callback_dropped', stream: 'cam01', session: 2, first: 7, last: 9, afterMs: 3_000 },
      { fault: 'callback_delayed', stream: 'cam02', session: 1, first: 5, last: 5, afterMs: 45_000 },
      { fault: 'beat_slower', stream: 'cam03', session: 1, factor: 2 },
      { fault: 'callback_url_changed', app: 'live', atMs: 120_000 },
      { fault: 'oss_unavailable', atMs: 180_000, forMs: 20_000 },
    ]);
  });

  it('may be JSON', () => {
    const text = JSON.stringify({ faults: [{ fault: 'capture_skipped', stream: 'cam01', captures: 3 }] });
    expect(parseFaultsFile(text, CAST)).toMatchObject([{ fault: 'capture_skipped', first: 3, last: 3 }]);
  });

  it('is refused with every mistake named', () => {
    const text = `
faults:
  - { fault: callback_lost, stream: cam01, captures: 1 }
  - { fault: capture_skipped, stream: cam01, captures: 9-7 }
  - { fault: oss_timeout, at: 3 minutes, for: 20s }
`;
    expect(() => parseFaultsFile(text, CAST)).toThrowError(
      /faults\.0\.fault[\s\S]*faults\.1\.captures[\s\S]*faults\.2\.at/,
    );
  });

  it('is refused where it orders what can never happen: no such stream, app or domain, no receiver of ours', () => {
    const text = `
faults:
  - { fault: capture_skipped, stream: cam05, captures: 1 }
  - { fault: interval_changed, app: vod, domain: other.example.com, at: 1s }
  - { fault: receiver_down, at: 1s, for: 1s }
  - { fault: beat_slower, stream: cam01 }
`;
    expect(() => parseFaultsFile(text, CAST)).toThrowError(
      /faults\.0: there is no stream "cam05": there is cam01 to cam04[\s\S]*faults\.1: there is no app "vod"[\s\S]*faults\.1: there is no domain[\s\S]*faults\.2: receiver_down needs/,
    );
    expect(() => parseFaultsFile(text, CAST)).not.toThrowError(/faults\.3/);
    expect(() => parseFaultsFile('faults: [', CAST)).toThrowError(/no YAML or JSON/);
  });

  it('is refused where a capture outside every session would fall into the next one', () => {
    const stray = (after: string) => `faults: [{ fault: capture_outside_session, stream: cam04, after: ${after} }]`;
    expect(() => parseFaultsFile(stray('15s'), CAST)).toThrowError(/faults\.0: after must be shorter .* of 15 s/);
    expect(parseFaultsFile(stray('14s'), CAST)).toMatchObject([{ afterMs: 14_000 }]);
  });

  it('is refused when it is empty', () => {
    expect(() => parseFaultsFile('', CAST)).toThrowError(/faults/);
  });
});
