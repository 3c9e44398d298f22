import { Jimp, loadFont } from 'jimp';
import { SANS_8_WHITE } from 'jimp/fonts';

const WIDTH = 160;
const HEIGHT = 90;

type Canvas = InstanceType<typeof Jimp>;

/** Draws what a camera would have shown: the stream's name on its own colour, and the time. */
export class PicturePainter {
  readonly #font = loadFont(SANS_8_WHITE);
  readonly #canvases = new Map<string, Canvas>();
  readonly #latest = new Map<string, Buffer>();
  readonly #perSecond: number;
  #empty: Promise<Buffer> | null = null;
  #second = 0;
  #painted = 0;

  /**
   * A JPEG costs some 15 ms whatever its size. Beyond `perSecond` in one second a stream is shown with the time of its last picture,
   * so that hundreds of streams do not eat the machine. With 0 all of them show the same empty picture.
   */
  constructor(options: { perSecond?: number } = {}) {
    this.#perSecond = options.perSecond ?? 8;
  }

  async paint(stream: { app: string; stream: string }, atMs: number): Promise<Buffer> {
    const name = `${stream.app}/${stream.stream}`;
    const latest = this.#latest.get(name);
    if (latest && !this.#mayPaint(atMs)) return latest;
    if (this.#perSecond === 0) {
      this.#empty ??= new Jimp({ width: WIDTH, height: HEIGHT, color: 0x808080ff }).getBuffer('image/jpeg');
      return this.#empty;
    }
    const font = await this.#font;
    const canvas = this.#canvases.get(name) ?? new Jimp({ width: WIDTH, height: HEIGHT, color: colourOf(name) });
    if (!this.#canvases.has(name)) {
      // The font knows Latin letters only.
      canvas.print({ font, x: 6, y: 8, maxWidth: WIDTH - 12, text: name.replaceAll(/[^\x20-\x7e]/g, '?') });
      this.#canvases.set(name, canvas);
    }
    const picture = canvas.clone();
    picture.print({ font, x: 6, y: HEIGHT - 20, text: new Date(atMs).toISOString() });
    const jpeg = await picture.getBuffer('image/jpeg', { quality: 60 });
    this.#latest.set(name, jpeg);
    return jpeg;
  }

  #mayPaint(atMs: number): boolean {
    const second = Math.floor(atMs / 1_000);
    if (second !== this.#second) {
      this.#second = second;
      this.#painted = 0;
    }
    this.#painted += 1;
    return this.#painted <= this.#perSecond;
  }
}

/** RGBA; dark enough for white letters, and another for each name. */
function colourOf(name: string): number {
  let hash = 7;
  for (const letter of name) hash = (hash * 31 + letter.codePointAt(0)!) >>> 0;
  const channel = (shift: number) => 30 + ((hash >>> shift) % 110);
  return ((channel(0) << 24) | (channel(8) << 16) | (channel(16) << 8) | 0xff) >>> 0;
}
