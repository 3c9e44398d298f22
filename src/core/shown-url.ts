/**
 * Somebody's URL as it is shown, logged and sent: what gives access to a receiver stands before its host or in its query, so of these only
 * the names are left. What is called, compared and put back stays whole.
 */
export function shownUrl(url: string): string {
  const [, place = '', query = '', fragment = ''] = /^([^?#]*)(\?[^#]*)?(#.*)?$/s.exec(url) ?? [];
  const shownPlace = place.replace(/^(\s*[a-z][a-z0-9+.-]*:\/\/)(?!:?@[^/@]*(?:\/|$))[^/]*@/i, '$1…@');
  const shownQuery = query.replace(/[^?&]+/g, (pair) => (pair.includes('=') ? pair.replace(/=.*/s, '=…') : '…'));
  return `${shownPlace}${shownQuery}${fragment && '#…'}`;
}

/** A sentence of somebody else's, its URLs as they are shown. */
export function withShownUrls(text: string): string {
  return text.replace(/https?:\/\/[^\s"'<>]+/gi, shownUrl);
}
