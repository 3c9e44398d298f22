import { describe, expect, it } from 'vitest';
import { NameResolver } from '../../src/core/name-resolver.ts';
import { configOf } from '../support/judging.ts';

const key = (stream: string, app = 'live', domain = 'play.example.com') => ({ domain, app, stream });

function resolve(
  versions: Parameters<typeof configOf>[0][],
  object: string,
  known: ReturnType<typeof key>[],
  bucket = 'b',
) {
  const resolver = new NameResolver(versions.map((version) => configOf(version)));
  const isKnown = (stream: ReturnType<typeof key>) =>
    known.some((each) => JSON.stringify(each) === JSON.stringify(stream));
  return resolver.resolve(bucket, object, isKnown)?.stream ?? null;
}

describe('whose object it is', () => {
  const dashes = [{ sequenceObject: '{AppName}/{StreamName}-{UnixTimestamp}-{Sequence}.jpg' }];
  const slashes = [{ sequenceObject: '{StreamName}/{AppName}/{UnixTimestamp}.jpg' }];

  it('is a known stream’s before that of one nobody knows', () => {
    const ambiguous = [{ sequenceObject: '{AppName}-{StreamName}-{Sequence}.jpg', app: '*' }];
    expect(resolve(ambiguous, 'event-2-cam-7.jpg', [key('cam', 'event-2')])).toEqual(key('cam', 'event-2'));
    expect(resolve(ambiguous, 'event-2-cam-7.jpg', [key('2-cam', 'event')])).toEqual(key('2-cam', 'event'));
  });

  it('is that with the longest name where several are known', () => {
    const prefixed = [{ sequenceObject: 'live{StreamName}{AppName}-{Sequence}.jpg', app: '*' }];
    expect(resolve(prefixed, 'livexyz-1.jpg', [key('x', 'yz'), key('xy', 'z')])).toEqual(key('xy', 'z'));
  });

  it('is found for names with dashes, slashes and times in them', () => {
    expect(resolve(dashes, 'live/cam-1790000000-1790000001-3.jpg', [])).toEqual(key('cam-1790000000'));
    expect(resolve(slashes, 'front/door/live/1790000000.jpg', [])).toEqual(key('front/door'));
  });

  it('must be of the app that the config is for', () => {
    expect(resolve([{ app: 'tv' }], 'snapshot/live/cam01/1790000000.jpg', [])).toBeNull();
    expect(resolve([{ app: '*' }], 'snapshot/live/cam01/1790000000.jpg', [])).toEqual(key('cam01'));
    expect(resolve([{ sequenceObject: 'x/{StreamName}/{Sequence}.jpg' }], 'x/cam/1.jpg', [])).toEqual(key('cam'));
  });

  it('is nobody’s where no template of the bucket explains it', () => {
    expect(resolve([{}], 'snapshot/live/cam01/readme.txt', [])).toBeNull();
    expect(resolve([{}], 'snapshot/live/cam01/1790000000.jpg', [], 'other')).toBeNull();
  });
});
