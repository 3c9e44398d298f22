import { z } from 'zod';
import {
  appNameOrAll,
  domainName,
  formatUtc,
  type LiveAction,
  liveAction,
  ownStreamingDomain,
  page,
  whole,
} from '../live-action.ts';
import { VendorRefusal } from '../vendor-refusal.ts';
import type { VendorSnapshotConfig, VendorSnapshotConfigChange } from '../vendor-state.ts';

const REMOVE = '-';
const KNOWN_VARIABLES = new Set(['AppName', 'StreamName', 'UnixTimestamp', 'Sequence']);

function wellFormedObject(allowed: (variable: string) => boolean) {
  return (name: string): boolean => {
    if (name === REMOVE) return true;
    if (Buffer.byteLength(name) >= 256 || !/\.jpg$/i.test(name)) return false;
    const variables = [...name.matchAll(/\{([^{}]*)\}/g)].map((match) => match[1]!);
    if (/[{}]/.test(name.replaceAll(/\{[^{}]*\}/g, ''))) return false;
    return variables.every((variable) => KNOWN_VARIABLES.has(variable) && allowed(variable));
  };
}

const overwriteObject = z.string().refine(
  wellFormedObject((variable) => variable === 'AppName' || variable === 'StreamName'),
  'InvalidOverwriteOssObject.Malformed',
);
const sequenceObject = z
  .string()
  .refine(
    wellFormedObject(() => true),
    'InvalidSequenceOssObject.Malformed',
  )
  .refine((name) => name === REMOVE || /\{(UnixTimestamp|Sequence)\}/.test(name), 'InvalidSequenceOssObject.Malformed');

const bucketName = z.string().regex(/^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/, 'InvalidOssBucket.Malformed');
const ossEndpoint = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9.-]*(:\d+)?$/, 'InvalidOssEndpoint.Malformed');
const callbackUrl = z
  .string()
  .max(500)
  .refine((url) => url === '' || url === REMOVE || /^https?:\/\/\S+$/i.test(url), 'MalformedParam');

const NEITHER = 'InvalidOverwriteOssObjectOrSequenceOssObject.Malformed';

function refuseMissingBucket(bucket: string | undefined, bucketExists: (name: string) => boolean): void {
  if (bucket !== undefined && !bucketExists(bucket)) {
    throw new VendorRefusal(400, 'InvalidOssBucket.NotFound', 'The parameter OssBucket does not exist.');
  }
}

const objectOrNull = (name: string | undefined): string | null => (name === undefined || name === REMOVE ? null : name);

const add = liveAction(
  'AddLiveAppSnapshotConfig',
  30,
  z.object({
    DomainName: domainName,
    AppName: appNameOrAll,
    TimeInterval: whole(5, 3600),
    OssEndpoint: ossEndpoint,
    OssBucket: bucketName,
    OverwriteOssObject: overwriteObject.optional(),
    SequenceOssObject: sequenceObject.optional(),
    Callback: callbackUrl.optional(),
  }),
  (p, { state, bucketExists }) => {
    ownStreamingDomain(state, p.DomainName);
    const config = {
      domain: p.DomainName,
      app: p.AppName,
      intervalSeconds: p.TimeInterval,
      bucket: p.OssBucket,
      endpoint: p.OssEndpoint,
      sequenceObject: objectOrNull(p.SequenceOssObject),
      overwriteObject: objectOrNull(p.OverwriteOssObject),
      callback: p.Callback === '' ? null : objectOrNull(p.Callback),
    };
    if (config.sequenceObject === null && config.overwriteObject === null) {
      throw new VendorRefusal(400, NEITHER, 'OverwriteOssObject and SequenceOssObject should have one.');
    }
    refuseMissingBucket(p.OssBucket, bucketExists);
    if (state.config(p.DomainName, p.AppName)) {
      throw new VendorRefusal(400, 'ConfigAlreadyExists', 'The configuration already exists.');
    }
    state.putConfig(config);
    return {};
  },
);

const update = liveAction(
  'UpdateLiveAppSnapshotConfig',
  30,
  z.object({
    DomainName: domainName,
    AppName: appNameOrAll,
    TimeInterval: whole(5, 3600).optional(),
    OssEndpoint: ossEndpoint.optional(),
    OssBucket: bucketName.optional(),
    OverwriteOssObject: overwriteObject.optional(),
    SequenceOssObject: sequenceObject.optional(),
    Callback: callbackUrl.optional(),
  }),
  (p, { state, bucketExists, callbackRemoval }) => {
    ownStreamingDomain(state, p.DomainName);
    const current = state.config(p.DomainName, p.AppName);
    if (!current) throw new VendorRefusal(400, 'InvalidConfig.NotFound', 'The configuration does not exist.');
    const change: VendorSnapshotConfigChange = {
      ...(p.TimeInterval !== undefined && { intervalSeconds: p.TimeInterval }),
      ...(p.OssBucket !== undefined && { bucket: p.OssBucket }),
      ...(p.OssEndpoint !== undefined && { endpoint: p.OssEndpoint }),
      ...(p.SequenceOssObject !== undefined && { sequenceObject: objectOrNull(p.SequenceOssObject) }),
      ...(p.OverwriteOssObject !== undefined && { overwriteObject: objectOrNull(p.OverwriteOssObject) }),
    };
    if (p.Callback !== undefined) {
      if (p.Callback !== REMOVE && p.Callback !== '') change.callback = p.Callback;
      else if (callbackRemoval === 'removed') change.callback = null;
      else if (callbackRemoval === 'literal') change.callback = p.Callback;
      else if (callbackRemoval === 'refused') throw new VendorRefusal(400, 'MalformedParam', 'Callback is malformed.');
    }
    const result = { ...current, ...change };
    if (result.sequenceObject === null && result.overwriteObject === null) {
      throw new VendorRefusal(400, NEITHER, 'OverwriteOssObject and SequenceOssObject should have one.');
    }
    refuseMissingBucket(p.OssBucket, bucketExists);
    state.changeConfig(p.DomainName, p.AppName, change);
    return {};
  },
);

function row(config: VendorSnapshotConfig) {
  return {
    DomainName: config.domain,
    AppName: config.app,
    TimeInterval: config.intervalSeconds,
    CreateTime: formatUtc(config.createdAtMs),
    Callback: config.callback ?? '',
    OssBucket: config.bucket,
    OssEndpoint: config.endpoint,
    OverwriteOssObject: config.overwriteObject ?? '',
    SequenceOssObject: config.sequenceObject ?? '',
  };
}

const describe = liveAction(
  'DescribeLiveSnapshotConfig',
  100,
  z.object({
    DomainName: domainName,
    AppName: appNameOrAll.optional(),
    PageNum: whole(1, Number.MAX_SAFE_INTEGER).default(1),
    PageSize: whole(5, 30).default(10),
    Order: z.enum(['asc', 'desc']).default('asc'),
  }),
  (p, { state }) => {
    ownStreamingDomain(state, p.DomainName);
    const configs = state
      .configs(p.DomainName)
      .filter((config) => p.AppName === undefined || config.app === p.AppName)
      .sort((a, b) => a.createdAtMs - b.createdAtMs);
    if (p.Order === 'desc') configs.reverse();
    const { items, total, pages } = page(configs, p.PageNum, p.PageSize);
    return {
      Order: p.Order,
      PageNum: p.PageNum,
      PageSize: p.PageSize,
      TotalNum: total,
      TotalPage: pages,
      LiveStreamSnapshotConfigList: { LiveStreamSnapshotConfig: items.map(row) },
    };
  },
);

const remove = liveAction(
  'DeleteLiveAppSnapshotConfig',
  30,
  z.object({ DomainName: domainName, AppName: appNameOrAll }),
  (p, { state }) => {
    ownStreamingDomain(state, p.DomainName);
    if (!state.deleteConfig(p.DomainName, p.AppName)) {
      throw new VendorRefusal(400, 'InvalidConfig.NotFound', 'The configuration does not exist.');
    }
    return {};
  },
);

export const snapshotConfigActions: LiveAction[] = [add, update, describe, remove];
