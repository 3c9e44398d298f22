import { describe, expect, it } from 'vitest';
import { addressProblem } from '../../../src/adapters/notify/outgoing-guard.ts';

describe('an outgoing address', () => {
  it.each([
    '127.0.0.1',
    '10.1.2.3',
    '172.16.0.1',
    '192.168.1.1',
    '169.254.169.254',
    '100.100.100.200',
    '0.0.0.0',
    '224.0.0.1',
    '::1',
    'fe80::1',
    'fd00::1',
    '::ffff:10.0.0.1',
    '64:ff9b::a00:1',
    '2002:a00:1::1',
  ])('%s is refused', (address) => {
    expect(addressProblem(address, false)).toContain('alerting.allowPrivate');
  });

  it.each(['8.8.8.8', '47.95.1.1', '2400:3200::1'])('%s is fine', (address) => {
    expect(addressProblem(address, false)).toBeNull();
  });

  it('inside an allowed range is fine, and outside it is not', () => {
    expect(addressProblem('10.1.2.3', ['10.1.0.0/16', 'fd00::/8'])).toBeNull();
    expect(addressProblem('fd00::1', ['10.1.0.0/16', 'fd00::/8'])).toBeNull();
    expect(addressProblem('10.2.0.1', ['10.1.0.0/16', 'fd00::/8'])).not.toBeNull();
  });
});
