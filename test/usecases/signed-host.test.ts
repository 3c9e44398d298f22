import { afterAll, beforeAll, expect, it } from 'vitest';
import { CAPTURE_FLAGS } from '../../src/core/capture-flags.ts';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { signedCallback, startTestReceiver, type TestReceiver } from '../support/receiver.ts';

let database: TestDatabase;
let receiver: TestReceiver;
beforeAll(async () => {
  database = await createTestDatabase();
  // The requests below say `Host: 127.0.0.1:…`, as behind a proxy that rewrites it.
  receiver = await startTestReceiver(database, { publicUrl: 'https://audit.example.com:8443' });
});
afterAll(async () => {
  await receiver.close();
  await database.drop();
});

const post = async (stream: string, host: string) => {
  const body = {
    DomainName: 'play.example.com',
    AppName: 'live',
    StreamName: stream,
    OssBucket: 'snap',
    OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
    OssObject: `snapshot/live/${stream}/${Math.floor(Date.now() / 1000)}.jpg`,
  };
  const response = await fetch(`${receiver.url}/callbacks/snapshot`, signedCallback(body, { host }));
  return response.status;
};

it.each([
  ['cam01', 'audit.example.com', false],
  ['cam02', 'audit.example.com:8443', true],
])(
  'a signature over the configured host verifies, with or without its port, whatever Host says (%s: %s)',
  async (stream, host, hasPort) => {
    expect(await post(stream, host)).toBe(200);
    const { rows } = await database.pool.query(
      'select flags from captures join streams on streams.id = stream_id where stream = $1',
      [stream],
    );
    expect(rows).toHaveLength(1);
    expect((rows[0].flags & CAPTURE_FLAGS.verified) !== 0).toBe(true);
    expect((rows[0].flags & CAPTURE_FLAGS.hostPort) !== 0).toBe(hasPort);
  },
);

it('a signature over any other host is rejected', async () => {
  expect(await post('cam03', '127.0.0.1')).toBe(401);
  expect(await post('cam03', 'audit.example.com:443')).toBe(401);
});
