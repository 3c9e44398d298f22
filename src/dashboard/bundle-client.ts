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
  script: string;
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
    entryPoints: { dashboard: 'main.tsx' },
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
  const entry = Object.entries(result.metafile.outputs).find(([, output]) => output.entryPoint === 'main.tsx');
  if (!entry) throw new Error('the bundle of the dashboard has no entry');
  const [script, { cssBundle }] = entry;
  return { assets, script: nameOf(script), styles: cssBundle ? [nameOf(cssBundle)] : [] };
}

function nameOf(path: string): string {
  return path.split(/[\\/]/).at(-1) ?? path;
}
