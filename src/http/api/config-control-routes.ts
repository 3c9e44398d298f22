import { z } from 'zod';
import type { ConfigControl } from '../../usecases/control-configs.ts';
import { outcomeSchema, planSchema, restorePlanSchema } from './config-control-schemas.ts';
import { defineRoute, type Route } from './define-route.ts';

const digest = z.string().regex(/^[0-9a-f]{32}$/, 'is not a digest that a plan gave out');
const scope = z.enum(['everything', 'callbacks']);

/** Plan, apply and restore: the same as the commands, with the digest of what was shown as the consent. */
export function configControlRoutes(control: ConfigControl): Route[] {
  return [
    defineRoute({
      method: 'get',
      path: '/configs/plan',
      scope: 'read',
      tag: 'configs',
      summary: 'Compare the settings file with what stands at the vendor',
      description: 'Asks the vendor now. Changes nothing there.',
      response: planSchema,
      handler: () => control.plan(),
    }),
    defineRoute({
      method: 'post',
      path: '/configs/apply',
      scope: 'admin',
      tag: 'configs',
      summary: 'Make the changes of a plan that was shown',
      description: 'A 409 where the plan has changed since: nothing was done then.',
      body: z.strictObject({ digest }),
      response: outcomeSchema,
      handler: ({ body }) => control.apply(body.digest),
    }),
    defineRoute({
      method: 'get',
      path: '/configs/restore-plan',
      scope: 'read',
      tag: 'configs',
      summary: 'Show what a restore would put back',
      query: z.strictObject({ scope: scope.optional() }),
      response: restorePlanSchema,
      handler: ({ query }) => control.planRestore(query.scope ?? 'everything'),
    }),
    defineRoute({
      method: 'post',
      path: '/configs/restore',
      scope: 'admin',
      tag: 'configs',
      summary: 'Put back what stood before the first apply',
      description: 'A 409 where what there is to do has changed since it was shown: nothing was done then.',
      body: z.strictObject({ digest, scope }),
      response: outcomeSchema,
      handler: ({ body }) => control.restore(body.digest, body.scope),
    }),
  ];
}
