import type { Settings } from '../config/settings.ts';
import type { DesiredDomain } from '../core/config-plan.ts';
import type { SecretText } from '../core/secret-text.ts';
import type { OperatorLog } from '../ports.ts';
import type { DoctorLine } from '../usecases/doctor-line.ts';
import type { ConfigPorts } from '../usecases/reconcile-configs.ts';
import type { DoctorPorts, DoctorSubject } from '../usecases/run-doctor.ts';

/** What the commands that steer configs work with. */
export interface ConfigHandle {
  ports: ConfigPorts;
  operatorLog: OperatorLog;
  settings: Settings;
  settingsFile: string;
  desired: DesiredDomain[];
  publicUrl: string;
  previousKey: SecretText | null;
  close(): Promise<void>;
}

/** The same for `doctor`, which must say what is wrong instead of failing on it. */
export interface DoctorHandle {
  /** How settings, environment and opening the database went. */
  lines: DoctorLine[];
  /** null where the environment cannot be read. */
  subject: ({ ports: DoctorPorts } & Omit<DoctorSubject, 'tryWrites'>) | null;
  close(): Promise<void>;
}
