import type { SlotInspector } from '../../usecases/inspect-slot.ts';
import type { Wall } from '../../usecases/watch-wall.ts';
import type { Route } from './define-route.ts';
import { timelineRoutes } from './timeline-routes.ts';
import { wallRoutes } from './wall-routes.ts';

/** What the dashboard asks beyond the history: the wall, its changes, timelines and single slots. */
export function dashboardRoutes(options: { wall: Wall; inspector: SlotInspector; pingEveryMs?: number }): Route[] {
  return [
    ...wallRoutes(options.wall, options.pingEveryMs),
    ...timelineRoutes(options.inspector, options.inspector.clock),
  ];
}
