import { expect, it } from 'vitest';
import { toLiveFailure } from '../../../src/adapters/live/live-failure.ts';

// What the client passes on of Node's TLS, as measured against a server with a certificate of its own.
it.each([
  'DEPTH_ZERO_SELF_SIGNED_CERT',
  'CERT_HAS_EXPIRED',
  'UNABLE_TO_VERIFY_LEAF_SIGNATURE',
  'ERR_TLS_CERT_ALTNAME_INVALID',
])('says of %s that the certificate is at fault, and does not try again', (code) => {
  const failure = toLiveFailure({ name: 'Error', code, message: 'certificate' }, 'QuerySnapshotCallbackAuth', 'd');
  expect(failure).toMatchObject({ reason: 'unreachable', transient: false });
  expect(failure.message).toContain(`certificate cannot be trusted (${code})`);
  expect(failure.message).toContain('NODE_EXTRA_CA_CERTS');
});

it('passes on what the vendor says of a value, without what gives access to the receiver in it', () => {
  const data = { statusCode: 400, Message: 'The Callback http://a.example.com/?t=s3cret is invalid.' };
  const failure = toLiveFailure({ code: 'InvalidCallback', data }, 'UpdateLiveAppSnapshotConfig', 'd/live');
  expect(failure.message).toContain('The Callback http://a.example.com/?t=… is invalid');
});
