/** The vendor's answers, read into our words. Pure; throws `CouldNotLookError` (`bad-answer`) where an answer is not what it should be. */
import { z } from 'zod';
import type { Instant } from '../../core/instant.ts';
import type { IndexWitness } from '../../core/witness.ts';
import {
  type CallbackAuth,
  CouldNotLookError,
  type DomainMapping,
  type NotifyUrlConfig,
  type OnlineStream,
  type PublishRecord,
  type SnapshotConfig,
} from '../../ports.ts';

/** Samples of the vendor show numbers as strings; both are read. */
const whole = z.coerce.number().int();
const text = z.string().min(1);
const textOrNull = z
  .string()
  .nullish()
  .transform((value) => (value === undefined || value === '' ? null : value));
/** `yyyy-MM-ddTHH:mm:ssZ`, or nothing. */
const time = z
  .string()
  .transform((value) => Date.parse(value))
  .refine((ms) => !Number.isNaN(ms));
const timeOrNull = z
  .string()
  .nullish()
  .transform((value) => (value ? Date.parse(value) : null))
  .refine((ms) => !Number.isNaN(ms));
const yes = z
  .string()
  .nullish()
  .transform((value) => value === 'yes');

function badAnswer(action: string, what: string): CouldNotLookError {
  return new CouldNotLookError(`Live API, ${action}: the answer ${what}.`, { reason: 'bad-answer', transient: true });
}

function read<T extends z.ZodType>(schema: T, value: unknown, action: string): z.output<T> {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0]!;
  throw badAnswer(action, `has no sound ${issue.path.join('.') || 'body'}`);
}

/** Lists are wrapped twice, `XList.X[]`; a single object in place of the array is read too. A list that is not there at all is no empty list. */
function rows(answer: unknown, outer: string, inner: string, action: string): unknown[] {
  const wrapper = read(z.record(z.string(), z.unknown()), answer, action)[outer];
  if (Array.isArray(wrapper)) return wrapper;
  if (typeof wrapper !== 'object' || wrapper === null) throw badAnswer(action, `has no ${outer}`);
  const list = (wrapper as Record<string, unknown>)[inner];
  if (list === undefined || list === null) return [];
  return Array.isArray(list) ? list : [list];
}

/** How far a paged answer reaches, in pages and rows; null where it does not say. */
export function readTotals(answer: unknown, action: string): { pages: number | null; rows: number | null } {
  const { TotalPage, TotalNum } = read(
    z.object({ TotalPage: whole.nullish(), TotalNum: whole.nullish() }),
    answer,
    action,
  );
  return { pages: TotalPage ?? null, rows: TotalNum ?? null };
}

const snapshotConfig = z
  .object({
    DomainName: text,
    AppName: text,
    TimeInterval: whole,
    OssBucket: text,
    OssEndpoint: text,
    SequenceOssObject: textOrNull,
    OverwriteOssObject: textOrNull,
    Callback: textOrNull,
    CreateTime: timeOrNull,
  })
  .transform(
    (row): SnapshotConfig => ({
      domain: row.DomainName,
      app: row.AppName,
      intervalSeconds: row.TimeInterval,
      bucket: row.OssBucket,
      endpoint: row.OssEndpoint,
      sequenceObject: row.SequenceOssObject,
      overwriteObject: row.OverwriteOssObject,
      callback: row.Callback,
      createdAt: row.CreateTime,
    }),
  );

export function readSnapshotConfigs(answer: unknown): SnapshotConfig[] {
  const action = 'DescribeLiveSnapshotConfig';
  return rows(answer, 'LiveStreamSnapshotConfigList', 'LiveStreamSnapshotConfig', action).map((row) =>
    read(snapshotConfig, row, action),
  );
}

const overlay = z
  .union([z.boolean(), z.enum(['true', 'false']).transform((value) => value === 'true')])
  .nullish()
  .transform((value) => value ?? null);

const indexRow = z
  .object({ OssObject: text, CreateTimestamp: whole.nullish(), CreateTime: timeOrNull, IsOverlay: overlay })
  .transform((row) => ({
    object: row.OssObject,
    createdAt: row.CreateTimestamp ?? row.CreateTime,
    overlay: row.IsOverlay,
  }))
  .pipe(z.object({ object: z.string(), createdAt: z.number(), overlay: z.boolean().nullable() }));

export function readSnapshotRecords(answer: unknown): { records: IndexWitness[]; nextStart: Instant | null } {
  const action = 'DescribeLiveStreamSnapshotInfo';
  const { NextStartTime } = read(z.object({ NextStartTime: timeOrNull }), answer, action);
  const records = rows(answer, 'LiveStreamSnapshotInfoList', 'LiveStreamSnapshotInfo', action).map((row) =>
    read(indexRow, row, action),
  );
  return { records, nextStart: NextStartTime };
}

const streamFields = {
  DomainName: text,
  AppName: text,
  StreamName: text,
  PublishTime: time,
  PublishDomain: textOrNull,
};

const onlineStream = z.object(streamFields).transform(
  (row): OnlineStream => ({
    domain: row.DomainName,
    app: row.AppName,
    stream: row.StreamName,
    publishedAt: row.PublishTime,
    publishDomain: row.PublishDomain,
  }),
);

export function readOnlineStreams(answer: unknown): OnlineStream[] {
  const action = 'DescribeLiveStreamsOnlineList';
  return rows(answer, 'OnlineInfo', 'LiveStreamOnlineInfo', action).map((row) => read(onlineStream, row, action));
}

const publishRecord = z.object({ ...streamFields, StopTime: timeOrNull }).transform(
  (row): PublishRecord => ({
    domain: row.DomainName,
    app: row.AppName,
    stream: row.StreamName,
    publishedAt: row.PublishTime,
    stoppedAt: row.StopTime,
    publishDomain: row.PublishDomain,
  }),
);

export function readPublishRecords(answer: unknown): PublishRecord[] {
  const action = 'DescribeLiveStreamsPublishList';
  // StreamType=raw asks for source streams; what it does here is documented in two ways, so transcoded ones are left out again.
  return rows(answer, 'PublishInfo', 'LiveStreamPublishInfo', action)
    .filter((row) => (row as { Transcoded?: unknown } | null)?.Transcoded !== 'yes')
    .map((row) => read(publishRecord, row, action));
}

export function readStreamState(answer: unknown): 'online' | 'offline' {
  return read(z.object({ StreamState: z.enum(['online', 'offline']) }), answer, 'DescribeLiveStreamState').StreamState;
}

export function readCallbackAuth(answer: unknown): CallbackAuth {
  const shape = z.object({ CallbackReqAuth: yes, CallbackAuthKey: textOrNull });
  const row = read(shape, answer, 'QuerySnapshotCallbackAuth');
  return { enabled: row.CallbackReqAuth, key: row.CallbackAuthKey };
}

const notifyUrl = z.object({ NotifyUrl: textOrNull, NotifyReqAuth: yes, NotifyAuthKey: textOrNull });

function toNotify(row: z.output<typeof notifyUrl>): NotifyUrlConfig {
  return { url: row.NotifyUrl, auth: { enabled: row.NotifyReqAuth, key: row.NotifyAuthKey } };
}

/** With the exception URL, which a Set must repeat lest it be lost. */
export function readPushNotify(answer: unknown): { notify: NotifyUrlConfig; exceptionUrl: string | null } {
  const action = 'DescribeLiveStreamsNotifyUrlConfig';
  const shape = z.object({ LiveStreamsNotifyConfig: notifyUrl.extend({ ExceptionNotifyUrl: textOrNull }).nullish() });
  const row = read(shape, answer, action).LiveStreamsNotifyConfig;
  if (!row) return { notify: { url: null, auth: { enabled: false, key: null } }, exceptionUrl: null };
  return { notify: toNotify(row), exceptionUrl: row.ExceptionNotifyUrl };
}

/** null where no URL is set. */
export function readSnapshotNotify(answer: unknown): NotifyUrlConfig | null {
  const notify = toNotify(read(notifyUrl, answer, 'DescribeLiveSnapshotNotifyConfig'));
  return notify.url === null ? null : notify;
}

export function readDomainMapping(answer: unknown): DomainMapping {
  const action = 'DescribeLiveDomainMapping';
  const models = rows(answer, 'LiveDomainModels', 'LiveDomainModel', action).map((row) =>
    read(z.object({ DomainName: text, Type: z.string() }), row, action),
  );
  return {
    streamingDomain: models.find(({ Type }) => Type === 'vhost')?.DomainName ?? null,
    pushDomains: models.filter(({ Type }) => Type === 'publish').map(({ DomainName }) => DomainName),
  };
}

/** Region by domain, of the domains whose region the vendor says. */
export function readDomainNames(answer: unknown): string[] {
  const action = 'DescribeLiveUserDomains';
  return rows(answer, 'Domains', 'PageData', action).map(
    (row) => read(z.object({ DomainName: text }), row, action).DomainName,
  );
}

export function readDomainRegions(answer: unknown): Map<string, string> {
  const action = 'DescribeLiveUserDomains';
  const found = rows(answer, 'Domains', 'PageData', action).map((row) =>
    read(z.object({ DomainName: text, RegionName: textOrNull }), row, action),
  );
  return new Map(
    found.flatMap(({ DomainName, RegionName }) => (RegionName === null ? [] : [[DomainName, RegionName]])),
  );
}
