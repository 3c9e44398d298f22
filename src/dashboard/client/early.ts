/**
 * Asks for what every first picture needs while the rest of the browser code is still on its way: it stands first in the page and
 * is a few hundred bytes. Whoever needs an answer takes it once; where it came to nothing, they ask again.
 */
const ask = (path: string): Promise<unknown> =>
  fetch(`/api/v1${path}`, { credentials: 'same-origin' })
    .then((response) => (response.ok ? response.json() : null))
    .catch(() => null);

const asked: Record<string, Promise<unknown>> = { session: ask('/session') };
// As many streams as fill a large screen, worst first. A filter needs all of them.
if (location.pathname === '/' && location.search === '') asked.firstScreen = ask('/wall?most=80');
Object.assign(globalThis, { snapauditEarly: asked });
