import { randomBytes } from 'node:crypto';
import { type Request, type RequestHandler, type Response, Router } from 'express';
import helmet from 'helmet';
import { ProblemError } from '../http/problem.ts';
import { bundleClient, type ClientBundle } from './bundle-client.ts';
import { page } from './page.ts';

export interface DashboardOptions {
  /** Where pictures may be loaded from, beside this origin: `https://bucket.oss-cn-shanghai.aliyuncs.com`. */
  pictureOrigins: () => readonly string[];
}

export interface DashboardRouter extends Router {
  /** Begins to bundle the browser code before the first request asks for it. */
  warm(): Promise<void>;
}

/** Made once for all routers of the process: the sources do not change while it runs. */
let bundling: Promise<ClientBundle> | null = null;

function bundle(): Promise<ClientBundle> {
  bundling ??= bundleClient().catch((error) => {
    bundling = null;
    throw error;
  });
  return bundling;
}

/** The web pages. They ask nothing but `/api/v1`; every path that is no file answers with the one page. */
export function dashboardRouter(options: DashboardOptions): DashboardRouter {
  const router = Router();
  router.get('/assets/:name', async (request, response) => {
    sendAsset(await bundle(), String(request.params.name), request, response);
  });
  router.get(PAGES, protect(options), async (_request, response) => {
    const { early, script, preloads, styles } = await bundle();
    response
      .setHeader('Cache-Control', 'no-store')
      .type('html')
      .send(page({ early, script, preloads, styles, nonce: String(response.locals.nonce) }));
  });
  return Object.assign(router, { warm: async () => void (await bundle()) });
}

/** What people may open or reload; anything else is a 404 as ever. */
const PAGES = /^\/(?:$|(?:streams|incidents|gaps|configs|audits|quarantine|report|settings|sign-in)(?:\/|$))/;

function sendAsset({ assets }: ClientBundle, name: string, request: Request, response: Response): void {
  const asset = assets.get(name);
  if (!asset)
    throw new ProblemError('not-found', 'There is no such file; reload the page, it may be of another version.');
  response.setHeader('Content-Type', asset.contentType);
  response.setHeader('Cache-Control', 'public, max-age=31536000, immutable');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Vary', 'Accept-Encoding');
  const small = request.acceptsEncodings('gzip') === 'gzip';
  if (small) response.setHeader('Content-Encoding', 'gzip');
  response.end(small ? asset.gzipped : asset.body);
}

/** A policy of its own for every answer: the nonce lets the component library write its style tags, and nobody else. */
function protect({ pictureOrigins }: DashboardOptions): RequestHandler {
  return (request, response, next) => {
    const nonce = randomBytes(16).toString('base64');
    response.locals.nonce = nonce;
    helmet({
      contentSecurityPolicy: {
        useDefaults: false,
        directives: {
          defaultSrc: ["'none'"],
          scriptSrc: ["'self'"],
          styleSrc: ["'self'", `'nonce-${nonce}'`],
          imgSrc: ["'self'", 'data:', ...pictureOrigins()],
          connectSrc: ["'self'"],
          fontSrc: ["'self'"],
          baseUri: ["'none'"],
          formAction: ["'none'"],
          frameAncestors: ["'none'"],
        },
      },
      referrerPolicy: { policy: 'no-referrer' },
      // Whoever runs this behind TLS says so at the proxy.
      strictTransportSecurity: false,
    })(request, response, next);
  };
}
