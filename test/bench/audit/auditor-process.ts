import type { AuditOutcome } from '../../../src/usecases/audit-window.ts';
import { type AuditorOrder, createBenchAuditor } from './bench-auditor.ts';

export interface AuditorReport {
  outcomes: AuditOutcome[];
  /** Largest resident size of this process after the first audit, as the operating system has it. */
  peakMb: number;
}

/** Audits in a process of its own: its memory is the auditor's and nobody else's. */
const order = JSON.parse(process.argv[2] ?? '') as AuditorOrder;
const auditor = createBenchAuditor(order);
const report: AuditorReport = { outcomes: [], peakMb: 0 };
for (const now of order.nows) {
  report.outcomes.push(await auditor.audit(now));
  report.peakMb ||= process.resourceUsage().maxRSS / 1_024;
}
await auditor.close();
process.send?.(report, () => process.disconnect());
