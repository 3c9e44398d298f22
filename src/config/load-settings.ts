import { readFile } from 'node:fs/promises';
import { type Document, isNode, LineCounter, parseDocument, visit } from 'yaml';
import { ConfigurationError } from './env.ts';
import { explainIssue } from './explain-issue.ts';
import { type Settings, settingsSchema } from './settings.ts';

/** Reads the settings file. Throws one `ConfigurationError` that lists every mistake with its line and what to do. */
export async function loadSettings(file: string): Promise<Settings> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new ConfigurationError(
      `The settings file ${file} cannot be read (${(error as NodeJS.ErrnoException).code}):`,
      ['create it (the README shows one) or point SNAPAUDIT_CONFIG at yours'],
    );
  }
  return parseSettings(text, file);
}

/** The same for a text; `file` only names it in messages. */
export function parseSettings(text: string, file: string): Settings {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  if (document.errors.length > 0) {
    throw new ConfigurationError(
      `${file} is not YAML:`,
      document.errors.map((error) => `line ${lines.linePos(error.pos[0]).line}: ${error.message}`),
    );
  }
  const parsed = settingsSchema.safeParse(readDocument(document, lines, file), { error: explainIssue });
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.flatMap((issue) => {
    // An unknown key is reported at the key itself, each on its own line.
    if (issue.code === 'unrecognized_keys') {
      return issue.keys.map((key) => ({
        line: lineOf(document, lines, [...issue.path, key]),
        text: `${pathText([...issue.path, key])}: no such setting; remove it or check its spelling`,
      }));
    }
    return [{ line: lineOf(document, lines, issue.path), text: `${pathText(issue.path)}: ${issue.message}` }];
  });
  problems.sort((a, b) => a.line - b.line);
  throw new ConfigurationError(
    `${file} has ${problems.length} ${problems.length === 1 ? 'mistake' : 'mistakes'}:`,
    problems.map((problem) => `line ${problem.line}: ${problem.text}`),
  );
}

/** What the document says. Aliases are followed only here, so that one without an anchor is found only now. */
function readDocument(document: Document.Parsed, lines: LineCounter, file: string): unknown {
  const problems: string[] = [];
  visit(document, {
    Alias(_key, alias) {
      if (alias.resolve(document) !== undefined) return;
      const line = alias.range ? lines.linePos(alias.range[0]).line : 1;
      problems.push(
        `line ${line}: *${alias.source} has no anchor before it; write &${alias.source} there, or quote it`,
      );
    },
  });
  if (problems.length > 0) throw new ConfigurationError(`${file} is not YAML:`, problems);
  try {
    return document.toJS();
  } catch (error) {
    throw new ConfigurationError(`${file} cannot be read:`, [(error as Error).message]);
  }
}

function pathText(path: PropertyKey[]): string {
  return (
    path.reduce<string>((text, step) => {
      if (typeof step === 'number') return `${text}[${step}]`;
      return text ? `${text}.${String(step)}` : String(step);
    }, '') || '(the whole file)'
  );
}

/** Line of the node at `path`, or of the nearest node above it that exists. */
function lineOf(document: Document, lines: LineCounter, path: PropertyKey[]): number {
  for (let length = path.length; length >= 0; length--) {
    const node = length === 0 ? document.contents : document.getIn(path.slice(0, length), true);
    if (isNode(node) && node.range) return lines.linePos(node.range[0]).line;
  }
  return 1;
}
