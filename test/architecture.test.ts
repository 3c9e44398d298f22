import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const SOURCES = readdirSync(path.join(ROOT, 'src'), { recursive: true, encoding: 'utf8' })
  .filter((file) => /\.tsx?$/.test(file))
  .map((file) => `src/${file.split(path.sep).join('/')}`)
  .sort();

const textOf = (file: string) => readFileSync(path.join(ROOT, file), 'utf8');

/** Comments hold examples and prose; only code counts. */
function codeOf(file: string): string {
  return textOf(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|\s)\/\/.*$/gm, '$1');
}

function importsOf(file: string): string[] {
  const specifiers = [
    ...codeOf(file).matchAll(/^\s*(?:import|export)\b[^;'"]*?\bfrom\s+'([^']+)'/gm),
    ...codeOf(file).matchAll(/\bimport\(\s*'([^']+)'\s*\)/g),
    ...codeOf(file).matchAll(/^\s*import\s+'([^']+)'/gm),
  ].map((match) => match[1] ?? '');
  return specifiers.map((specifier) =>
    specifier.startsWith('.') ? path.posix.normalize(path.posix.join(path.posix.dirname(file), specifier)) : specifier,
  );
}

/** A layer, and what its files may import of `src/` (prefixes); npm packages and node: modules are judged apart. */
const LAYERS: { name: string; files: RegExp; may: RegExp; packages?: RegExp }[] = [
  { name: 'core', files: /^src\/core\//, may: /^src\/core\//, packages: /^node:crypto$/ },
  { name: 'ports', files: /^src\/ports(\.ts$|\/)/, may: /^src\/(core|ports)\//, packages: /^$/ },
  { name: 'config', files: /^src\/config\//, may: /^src\/(config|core)\// },
  {
    name: 'use cases',
    files: /^src\/usecases\//,
    may: /^src\/(usecases|core)\/|^src\/ports\.ts$|^src\/config\/.*settings\.ts$/,
  },
  { name: 'adapters', files: /^src\/adapters\//, may: /^src\/(adapters|core)\/|^src\/ports\.ts$/ },
  { name: 'http', files: /^src\/http\//, may: /^src\/(http|usecases|core)\/|^src\/ports\.ts$/ },
  { name: 'dashboard', files: /^src\/dashboard\//, may: /^src\/(dashboard|http|usecases|core)\/|^src\/ports\.ts$/ },
  { name: 'worker', files: /^src\/worker\//, may: /^src\/(worker|usecases|core)\/|^src\/ports\.ts$/ },
  { name: 'cli commands', files: /^src\/cli\//, may: /^src\/(cli|usecases|core|config)\/|^src\/ports\.ts$/ },
  {
    name: 'sandbox',
    files: /^src\/sandbox\//,
    may: /^src\/sandbox\/|^src\/core\/(instant|stream-key|object-key)\.ts$/,
  },
  { name: 'compose', files: /^src\/compose(\.ts$|\/)/, may: /^src\/(?!cli\.ts$)/ },
  {
    name: 'cli.ts',
    files: /^src\/cli\.ts$/,
    may: /^src\/(cli|config|core)\/|^src\/compose(\.ts$|\/)|^src\/ports\.ts$/,
  },
];

describe('the architecture', () => {
  it('has every source file in exactly one layer', () => {
    const homeless = SOURCES.filter((file) => LAYERS.filter((layer) => layer.files.test(file)).length !== 1);
    expect(homeless).toEqual([]);
  });

  it.each(LAYERS)('lets $name import only what it may', ({ files, may, packages }) => {
    const wrong = SOURCES.filter((file) => files.test(file)).flatMap((file) =>
      importsOf(file)
        .filter((target) =>
          target.startsWith('src/') ? !may.test(target) : packages !== undefined && !packages.test(target),
        )
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps adapters of one thing from importing adapters of another', () => {
    const folderOf = (file: string) => /^src\/adapters\/([^/]+)\//.exec(file)?.[1];
    const wrong = SOURCES.filter((file) => folderOf(file)).flatMap((file) =>
      importsOf(file)
        .filter((target) => folderOf(target) && folderOf(target) !== folderOf(file))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('lets the browser code take from the rest of the service only core, and types', () => {
    const ofClient = SOURCES.filter((file) => file.startsWith('src/dashboard/client/'));
    const wrong = ofClient.flatMap((file) =>
      [...codeOf(file).matchAll(/^\s*import\s+(?!type\b)[^;'"]*?\bfrom\s+'(\.[^']+)'/gm)]
        .map((match) => path.posix.normalize(path.posix.join(path.posix.dirname(file), match[1] ?? '')))
        .filter((target) => !/^src\/(dashboard\/client|core)\//.test(target))
        .map((target) => `${file} imports ${target}`),
    );
    expect([ofClient.length > 0, wrong]).toEqual([true, []]);
  });

  it('lets nothing but the pages themselves take from the browser code', () => {
    const wrong = SOURCES.filter((file) => !file.startsWith('src/dashboard/client/')).flatMap((file) =>
      importsOf(file)
        .filter((target) => target.startsWith('src/dashboard/client/'))
        .map((target) => `${file} imports ${target}`),
    );
    expect(wrong).toEqual([]);
  });

  it('keeps promises and clocks out of the core', () => {
    const wrong = SOURCES.filter((file) => file.startsWith('src/core/')).filter((file) =>
      /\basync\b|\bawait\b|\bPromise\b|Date\.now\(|new Date\(\)|Math\.random\(|performance\.|process\./.test(
        codeOf(file),
      ),
    );
    expect(wrong).toEqual([]);
  });

  it('reads the environment in config/env.ts only, and ends the process in cli.ts only', () => {
    const reading = SOURCES.filter((file) => /(?<!')process\.env\b/.test(codeOf(file)));
    expect(reading).toEqual(['src/config/env.ts']);
    const ending = SOURCES.filter((file) => /process\.exit\(|process\.exitCode\b/.test(codeOf(file)));
    expect(ending.filter((file) => file !== 'src/cli.ts')).toEqual([]);
  });

  it('names files in kebab-case, after what they hold', () => {
    const wrong = SOURCES.filter((file) => {
      const name = path.posix.basename(file).replace(/(\.test|\.d)?\.tsx?$/, '');
      return !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(name) || /^(utils?|helpers?|common|misc)$/.test(name);
    });
    expect(wrong).toEqual([]);
  });

  it('keeps source files under 400 lines', () => {
    expect(SOURCES.filter((file) => textOf(file).split('\n').length > 400)).toEqual([]);
  });

  it('numbers migrations without a hole or a double', () => {
    const names = readdirSync(path.join(ROOT, 'migrations')).sort();
    expect(names.filter((name) => !/^\d{4}_[a-z0-9_]+\.sql$/.test(name))).toEqual([]);
    expect(names.map((name) => Number(name.slice(0, 4)))).toEqual(names.map((_, index) => index + 1));
  });

  it('keeps the top level to the house plan', () => {
    const allowed =
      /^(\..*|src|migrations|test|package\.json|package-lock\.json|tsconfig\.json|biome\.json|Dockerfile|README\.md|LICENSE|CHANGELOG\.md|node_modules|coverage)$/;
    expect(readdirSync(ROOT).filter((name) => !allowed.test(name))).toEqual([]);
  });
});
