import type { PlanStep } from '../api.ts';
import { Name } from '../parts/marks.tsx';
import { useWords } from '../words/language.tsx';
import { FieldValue } from './field-value.tsx';

/** Calls to be made at the vendor, each with what it sets. */
export function StepList({ steps }: { steps: readonly PlanStep[] }) {
  const words = useWords();
  return (
    <ol className="steps">
      {steps.map((step) => (
        <li key={`${step.kind}\n${step.domain}\n${step.app}`}>
          <b>{words.configs.stepKinds[step.kind]}</b> <Name>{[step.domain, step.app].filter(Boolean).join(' / ')}</Name>
          {step.changes.length > 0 && (
            <ul>
              {step.changes.map((change) => (
                <li key={change.field} className="wrap-any">
                  <span className="quiet">{words.configs.fields[change.field] ?? change.field}:</span>{' '}
                  <FieldValue field={change.field} value={change.to} />
                </li>
              ))}
            </ul>
          )}
        </li>
      ))}
    </ol>
  );
}
