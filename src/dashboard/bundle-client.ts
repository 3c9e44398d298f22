import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { build } from 'esbuild';

export interface Asset {
  body: Buffer;
  gzipped: Buffer;
  contentType: string;
}

export interface ClientBundle {
  /** By file name, which holds a hash of the content. */
  assets: Map<string, Asset>;
  /** Module scripts, as page.ts tells them apart. */
  early: string;
  script: string;
  /** What `script` imports, to be fetched beside it. */
  preloads: string[];
  styles: string[];
}

const CLIENT = fileURLToPath(new URL('client', import.meta.url));
const CONTENT_TYPES: Record<string, string> = {
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};
const compress = promisify(gzip);

/** Bundles the browser code in memory: no build step, no file on disk. */
export async function bundleClient(): Promise<ClientBundle> {
  const result = await build({
    absWorkingDir: CLIENT,
    entryPoints: { early: 'early.ts', dashboard: 'main.tsx' },
    outdir: '/',
    bundle: true,
    splitting: true,
    format: 'esm',
    minify: true,
    write: false,
    metafile: true,
    jsx: 'automatic',
    target: ['es2022'],
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
    logLevel: 'silent',
  });
  const assets = new Map<string, Asset>();
  await Promise.all(
    result.outputFiles.map(async (file) => {
      const name = nameOf(file.path);
      const body = Buffer.from(file.contents);
      const contentType = CONTENT_TYPES[name.split('.').at(-1) ?? ''] ?? 'application/octet-stream';
      assets.set(name, { body, gzipped: await compress(body), contentType });
    }),
  );
  const outputs = Object.entries(result.metafile.outputs);
  const outputOf = (entryPoint: string) => {
    const found = outputs.find(([, output]) => output.entryPoint === entryPoint);
    if (!found) throw new Error(`the bundle of the dashboard has no ${entryPoint}`);
    return { script: nameOf(found[0]), ...found[1] };
  };
  const main = outputOf('main.tsx');
  return {
    assets,
    early: outputOf('early.ts').script,
    script: main.script,
    preloads: main.imports.filter(({ kind }) => kind === 'import-statement').map(({ path }) => nameOf(path)),
    styles: main.cssBundle ? [nameOf(main.cssBundle)] : [],
  };
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
