import { describe, expect, it } from 'vitest';
import {
  readDomainMapping,
  readOnlineStreams,
  readPublishRecords,
  readPushNotify,
  readSnapshotConfigs,
  readSnapshotNotify,
  readSnapshotRecords,
  readStreamState,
  readTotals,
} from '../../../src/adapters/live/live-mapping.ts';
import { CouldNotLookError } from '../../../src/ports.ts';

const CONFIG_ROW = {
  DomainName: 'play.example.com',
  AppName: 'live',
  TimeInterval: '10',
  CreateTime: '2016-05-20T01:33:38Z',
  OssBucket: 'b',
  OssEndpoint: 'oss-cn-shanghai.aliyuncs.com',
  SequenceOssObject: '{StreamName}/{Sequence}.jpg',
};
const STREAM_ROW = {
  DomainName: 'play.example.com',
  AppName: 'live',
  StreamName: 'cam01',
  PublishTime: '2026-11-01T00:00:00Z',
  PublishDomain: 'push.example.com',
};

describe('reading the answers of the vendor', () => {
  it('takes one object where an array should be, and a number in a string', () => {
    const answer = { LiveStreamSnapshotConfigList: { LiveStreamSnapshotConfig: CONFIG_ROW } };
    expect(readSnapshotConfigs(answer)).toMatchObject([{ intervalSeconds: 10, callback: null, overwriteObject: null }]);
    expect(readTotals({ TotalPage: '3', TotalNum: 65 }, 'x')).toEqual({ pages: 3, rows: 65 });
  });

  it.each([
    ['no list', {}],
    ['a list that is null', { LiveStreamSnapshotConfigList: null }],
    [
      'a row without a bucket',
      { LiveStreamSnapshotConfigList: { LiveStreamSnapshotConfig: [{ ...CONFIG_ROW, OssBucket: '' }] } },
    ],
    ['a row that is no object', { LiveStreamSnapshotConfigList: { LiveStreamSnapshotConfig: ['x'] } }],
    ['no object at all', 'hello'],
  ])('calls %s a bad answer, never an empty list', (_, answer) => {
    expect(() => readSnapshotConfigs(answer)).toThrow(CouldNotLookError);
  });

  it('takes the creation of an image in ms, or in whole seconds where an older service gives no ms', () => {
    const rows = [
      { OssObject: 'a.jpg', CreateTimestamp: '1653641526637', IsOverlay: 'true', CreateTime: '2022-05-27T08:52:06Z' },
      { OssObject: 'b.jpg', CreateTime: '2022-05-27T08:52:06Z' },
    ];
    const answer = { NextStartTime: '', LiveStreamSnapshotInfoList: { LiveStreamSnapshotInfo: rows } };
    expect(readSnapshotRecords(answer)).toEqual({
      records: [
        { object: 'a.jpg', createdAt: 1653641526637, overlay: true },
        { object: 'b.jpg', createdAt: 1653641526000, overlay: null },
      ],
      nextStart: null,
    });
  });

  it('calls a row without any creation time a bad answer', () => {
    const answer = { LiveStreamSnapshotInfoList: { LiveStreamSnapshotInfo: [{ OssObject: 'a.jpg' }] } };
    expect(() => readSnapshotRecords(answer)).toThrow(CouldNotLookError);
  });

  it.each([
    ['absent', undefined],
    ['empty', ''],
    ['null', null],
  ])('takes a stop time that is %s for "still running"', (_, StopTime) => {
    const answer = { PublishInfo: { LiveStreamPublishInfo: [{ ...STREAM_ROW, StopTime }] } };
    expect(readPublishRecords(answer)).toMatchObject([{ stoppedAt: null, publishedAt: Date.UTC(2026, 10, 1) }]);
  });

  it('leaves transcoded publishes out', () => {
    const answer = { PublishInfo: { LiveStreamPublishInfo: [{ ...STREAM_ROW, Transcoded: 'yes' }] } };
    expect(readPublishRecords(answer)).toEqual([]);
  });

  it('knows who is on air and what state a stream is in', () => {
    expect(readOnlineStreams({ OnlineInfo: { LiveStreamOnlineInfo: [STREAM_ROW] } })).toMatchObject([
      { stream: 'cam01' },
    ]);
    expect(readStreamState({ StreamState: 'online' })).toBe('online');
    expect(() => readStreamState({ StreamState: 'maybe' })).toThrow(CouldNotLookError);
  });

  it('reads notify configs with empty strings as nothing', () => {
    expect(readPushNotify({}).notify.url).toBeNull();
    expect(readSnapshotNotify({ NotifyUrl: '', NotifyReqAuth: 'no' })).toBeNull();
  });

  it('tells the kinds of domain apart', () => {
    const LiveDomainModel = [
      { DomainName: 'play.example.com', Type: 'vhost' },
      { DomainName: 'push.example.com', Type: 'publish' },
      { DomainName: 'sub.example.com', Type: 'play' },
    ];
    expect(readDomainMapping({ LiveDomainModels: { LiveDomainModel } })).toEqual({
      streamingDomain: 'play.example.com',
      pushDomains: ['push.example.com'],
    });
  });
});
