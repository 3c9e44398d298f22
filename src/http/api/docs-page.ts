import { escapeHtml } from '../../core/escape-html.ts';
import type { Route } from './define-route.ts';
import { operation } from './openapi.ts';

type Json = Record<string, unknown>;

interface Parameter {
  name: string;
  in: string;
  required: boolean;
  description?: string;
  schema: Json;
}

/** The routes as one page to read, made of the same schemas: no script, nothing from elsewhere, prints well. */
export function docsPage(routes: readonly Route[]): string {
  const tags = [...new Set(routes.map((route) => route.tag))];
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Snapaudit API</title>
<style>${STYLE}</style>
</head>
<body>
<header>
<h1>Snapaudit API</h1>
<p>Below <code>/api/v1</code>. The same as <a href="openapi.json">OpenAPI 3.1</a>; errors are <a href="problems">problems</a> (RFC 9457).</p>
<p>Send a token as <code>Authorization: Bearer …</code>. Lists give <code>{data, next}</code>; pass <code>next</code> as
<code>cursor</code> for the page after. Times are RFC 3339, ranges half-open. A parameter marked <em>repeatable</em> may be
given more than once: the values are alternatives. Unknown parameters are a 400.</p>
<nav>${tags.map((tag) => `<a href="#${tag}">${tag}</a>`).join(' ')}</nav>
</header>
<main>
${tags.map((tag) => section(tag, routes)).join('\n')}
</main>
</body>
</html>
`;
}

function section(tag: string, routes: readonly Route[]): string {
  const own = routes.filter((route) => route.tag === tag);
  return `<section id="${tag}"><h2>${tag}</h2>\n${own.map(article).join('\n')}</section>`;
}

function article(route: Route): string {
  const described = operation(route) as { parameters: Parameter[]; requestBody?: Json; responses: Json };
  const scope = route.scope === 'public' ? 'no token needed' : `scope ${route.scope}`;
  const success = described.responses[route.status] as Json;
  return `<article>
<h3><code>${route.method.toUpperCase()} ${escapeHtml(route.path)}</code> <small>${scope}</small></h3>
<p>${escapeHtml(route.summary)}.${route.description ? ` ${escapeHtml(route.description)}` : ''}</p>
${described.parameters.length > 0 ? parameterTable(described.parameters) : ''}
${described.requestBody ? details('Body', described.requestBody) : ''}
${success.content ? details(`Answer ${route.status}`, success.content) : ''}
</article>`;
}

function parameterTable(parameters: readonly Parameter[]): string {
  const rows = parameters.map(
    ({ name, in: place, required, description, schema }) =>
      `<tr><td><code>${escapeHtml(name)}</code></td><td>${place}${required ? ', required' : ''}</td>` +
      `<td>${escapeHtml(typeOf(schema))}</td><td>${escapeHtml(description ?? '')}</td></tr>`,
  );
  return `<table><thead><tr><th>parameter</th><th>in</th><th>type</th><th></th></tr></thead><tbody>${rows.join('')}</tbody></table>`;
}

function typeOf(schema: Json): string {
  if (schema.type === 'array') return `${typeOf((schema.items ?? {}) as Json)}, repeatable`;
  if (Array.isArray(schema.enum)) return schema.enum.join(' | ');
  const bounds = schema.minimum === undefined ? '' : ` ${schema.minimum} to ${schema.maximum}`;
  return `${schema.format ?? schema.type ?? 'any'}${bounds}`;
}

function details(title: string, value: unknown): string {
  return `<details><summary>${title}</summary><pre>${escapeHtml(JSON.stringify(value, null, 2))}</pre></details>`;
}

const STYLE = `
:root { color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }
body { max-width: 60rem; margin: 0 auto; padding: 1rem; }
nav a { margin-right: .7rem; }
h2 { border-bottom: 1px solid; margin-top: 2.5rem; }
h3 { margin-bottom: .2rem; }
small { font-weight: normal; opacity: .7; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .15rem .8rem .15rem 0; vertical-align: top; border-bottom: 1px solid #8884; }
pre { overflow-x: auto; font-size: 12px; }
`;
