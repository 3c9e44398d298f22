import { startOssServer } from '../../../src/sandbox/oss/oss-server.ts';
import { type Generated, GeneratedStore } from './generated-store.ts';

/** The stand-in for OSS in a process of its own, so that only the auditor is measured. Ends with its parent. */
const given = JSON.parse(process.argv[2] ?? '') as Generated & { accessKeyId: string; accessKeySecret: string };
const server = await startOssServer({
  credentials: [{ accessKeyId: given.accessKeyId, accessKeySecret: given.accessKeySecret }],
  buckets: [{ name: 'snap', store: new GeneratedStore(given) }],
});
process.on('disconnect', () => void server.close().then(() => process.exit()));
process.send?.({ url: server.url });
