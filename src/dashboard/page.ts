export interface PageParts {
  /** Runs as soon as it is there, before all else. */
  early: string;
  script: string;
  preloads: string[];
  styles: string[];
  nonce: string;
}

/** The one page. `nonce` is read by the browser code for the style tags of the component library. */
export function page({ early, script, preloads, styles, nonce }: PageParts): string {
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="robots" content="noindex">
<meta property="csp-nonce" nonce="${nonce}">
<title>Snapaudit</title>
<link rel="icon" href="data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'%3E%3Crect width='16' height='16' rx='4' fill='%230b7285'/%3E%3Cpath d='M3 5v6M6 5v6M12.5 5v6' stroke='%23fff' stroke-width='1.8' stroke-linecap='round'/%3E%3Cpath d='M9.2 5v6' stroke='%23fff' stroke-opacity='.45' stroke-width='1.8' stroke-dasharray='1.6 1.4'/%3E%3C/svg%3E">
<script type="module" async src="/assets/${early}"></script>
${styles.map((name) => `<link rel="stylesheet" href="/assets/${name}">`).join('\n')}
${preloads.map((name) => `<link rel="modulepreload" href="/assets/${name}">`).join('\n')}
<script type="module" async src="/assets/${script}"></script>
</head>
<body>
<div id="root"></div>
<noscript>Snapaudit's pages need JavaScript. The same answers: /api/v1/docs and the command line.</noscript>
</body>
</html>
`;
}
