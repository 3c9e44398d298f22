import { Jimp } from 'jimp';
import { describe, expect, it } from 'vitest';
import { PicturePainter } from '../../../src/sandbox/broadcast/picture.ts';

const AT = Date.UTC(2026, 10, 24, 10, 0, 0);
const cam = (stream: string) => ({ app: 'live', stream });

/** Pixels of the rows from `from` to `to` that are nearly white, as letters are. */
async function lettersIn(jpeg: Buffer, from: number, to: number): Promise<number[]> {
  const { bitmap } = await Jimp.read(jpeg);
  const found: number[] = [];
  for (let at = from * bitmap.width; at < to * bitmap.width; at++) {
    const [red, green, blue] = bitmap.data.subarray(at * 4, at * 4 + 3);
    if (red! > 180 && green! > 180 && blue! > 180) found.push(at);
  }
  return found;
}

describe('a picture', () => {
  it('has the name of its stream drawn in at the top, and the time at the bottom', async () => {
    const painter = new PicturePainter();
    const paint = (stream: string, at: number) => painter.paint(cam(stream), at);
    const first = await paint('cam01', AT);
    const later = await paint('cam01', AT + 5_000);
    const other = await paint('cam02', AT);
    const [name, time] = [await lettersIn(first, 0, 40), await lettersIn(first, 60, 90)];
    expect(name.length).toBeGreaterThan(5);
    expect(time.length).toBeGreaterThan(5);
    expect(await lettersIn(later, 0, 40)).toEqual(name);
    expect(await lettersIn(later, 60, 90)).not.toEqual(time);
    expect(await lettersIn(other, 0, 40)).not.toEqual(name);
  });
});
