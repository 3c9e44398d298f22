import type { IncidentStatus, Severity } from '../../../core/incident.ts';
import type { StreamStatus } from '../../../core/stream-status.ts';
import type { Cause, Verdict } from '../../../core/verdict.ts';
import { useWords } from '../words/language.tsx';
import {
  Ban,
  BellOff,
  CameraOff,
  CircleCheck,
  CircleQuestionMark,
  ClockAlert,
  EyeOff,
  FileQuestionMark,
  Hourglass,
  ImageOff,
  Info,
  type LucideIcon,
  Moon,
  OctagonAlert,
  Pause,
  ShieldCheck,
  Sparkles,
  TriangleAlert,
  Wrench,
} from './icons.ts';

/** Colour, icon and word: never colour alone. The colours stand in styles/tones.css, for light and dark. */

const STATUS_ICONS: Record<StreamStatus, LucideIcon> = {
  on_time: CircleCheck,
  late: ClockAlert,
  gap: OctagonAlert,
  offline: Moon,
  paused: Pause,
  maintenance: Wrench,
  unknown: CircleQuestionMark,
};

export const STATUS_TONES: Record<StreamStatus, string> = {
  on_time: 'ok',
  late: 'late',
  gap: 'not_captured',
  offline: 'quiet',
  paused: 'excused',
  maintenance: 'excused',
  unknown: 'unknown',
};

const VERDICT_ICONS: Record<Verdict, LucideIcon> = {
  pending: Hourglass,
  ok: CircleCheck,
  late: ClockAlert,
  callback_missing: BellOff,
  object_missing: ImageOff,
  not_captured: CameraOff,
  misnamed: FileQuestionMark,
  unexpected: Sparkles,
  excused: ShieldCheck,
  unknown: EyeOff,
};

export function Mark({ icon: Icon, tone, children }: { icon: LucideIcon; tone: string; children: string }) {
  return (
    <span className={`mark tone-${tone}`}>
      <Icon size={14} strokeWidth={2.2} aria-hidden />
      <span>{children}</span>
    </span>
  );
}

/** `intervalSeconds`: of one stream; null where nothing is due of it. */
export function StatusMark({ status, intervalSeconds }: { status: StreamStatus; intervalSeconds?: number | null }) {
  const words = useWords();
  const isIdle = status === 'unknown' && intervalSeconds === null;
  return (
    <Mark icon={STATUS_ICONS[status]} tone={STATUS_TONES[status]}>
      {isIdle ? words.stream.nothingDue : words.statuses[status]}
    </Mark>
  );
}

export function VerdictMark({ verdict }: { verdict: Verdict }) {
  const words = useWords();
  return (
    <Mark icon={VERDICT_ICONS[verdict]} tone={verdict}>
      {words.verdicts[verdict]}
    </Mark>
  );
}

/** The closed list of causes has words; anything else is shown as it came. */
export function CauseText({ cause }: { cause: string | null }) {
  const words = useWords();
  if (cause === null) return <span className="quiet">–</span>;
  return <span>{causeWord(cause, words.causes)}</span>;
}

export function causeWord(cause: string, words: Record<Cause, string>): string {
  return Object.hasOwn(words, cause) ? words[cause as Cause] : cause;
}

const SEVERITY_LOOK: Record<Severity, { icon: LucideIcon; tone: string }> = {
  critical: { icon: OctagonAlert, tone: 'not_captured' },
  warning: { icon: TriangleAlert, tone: 'late' },
  info: { icon: Info, tone: 'excused' },
};

/** The severity's colour and icon; its own word, or another that says more. */
export function SeverityMark({ severity, children }: { severity: Severity; children?: string }) {
  const words = useWords();
  return <Mark {...SEVERITY_LOOK[severity]}>{children ?? words.severities[severity]}</Mark>;
}

const INCIDENT_LOOK: Record<IncidentStatus, { icon: LucideIcon; tone: string }> = {
  open: { icon: OctagonAlert, tone: 'not_captured' },
  acknowledged: { icon: ShieldCheck, tone: 'excused' },
  resolved: { icon: CircleCheck, tone: 'ok' },
};

export function IncidentStatusMark({ status }: { status: IncidentStatus }) {
  const words = useWords();
  return <Mark {...INCIDENT_LOOK[status]}>{words.incidentStatuses[status]}</Mark>;
}

export function FailedMark({ children }: { children: string }) {
  return (
    <Mark icon={Ban} tone="not_captured">
      {children}
    </Mark>
  );
}

/** A name from outside: any length, any direction, on its own. */
export function Name({ children, title }: { children: string; title?: string }) {
  return (
    <bdi className="name" title={title ?? (children.length > 40 ? children.slice(0, 1_000) : undefined)}>
      {children.length > 300 ? `${children.slice(0, 300)}…` : children}
    </bdi>
  );
}
