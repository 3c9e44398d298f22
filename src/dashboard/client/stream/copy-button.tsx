import { Button } from '@mantine/core';
import { useClipboard } from '@mantine/hooks';
import { type ReactNode, useState } from 'react';
import { useWords } from '../words/language.tsx';

/** Copies; where the browser refuses (over plain HTTP it does), the text stands there to be copied by hand. */
export function CopyButton({ label, icon, text }: { label: string; icon: ReactNode; text: () => string }) {
  const words = useWords();
  const clipboard = useClipboard({ timeout: 2_000 });
  const [asked, setAsked] = useState('');
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={icon}
        onClick={() => {
          setAsked(text());
          clipboard.copy(text());
        }}
      >
        {clipboard.copied ? words.common.copied : label}
      </Button>
      {clipboard.error && (
        <label className="copy-by-hand">
          {words.slot.copyByHand}
          <textarea
            className="raw"
            readOnly
            rows={3}
            dir="ltr"
            value={asked}
            onFocus={(event) => event.currentTarget.select()}
          />
        </label>
      )}
    </>
  );
}
