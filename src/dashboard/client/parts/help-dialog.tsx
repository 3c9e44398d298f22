import { Kbd, Modal } from '@mantine/core';
import { Fragment } from 'react';
import { useWords } from '../words/language.tsx';
import { useInert } from './use-inert.ts';

export default function HelpDialog({ onClose }: { onClose: () => void }) {
  const words = useWords();
  useInert(true);
  const keys: [string[], string][] = [
    [['/'], words.help.search],
    [['j'], words.help.down],
    [['k'], words.help.up],
    [['Enter'], words.help.open],
    [['Esc'], words.help.close],
    [['g', 'w·i·g·c·a·q·r'], words.help.go],
    [['+', '−', '←', '→'], words.help.zoom],
    [['?'], words.help.help],
  ];
  return (
    <Modal opened onClose={onClose} title={words.help.title} closeButtonProps={{ 'aria-label': words.common.close }}>
      <dl className="keys">
        {keys.map(([pressed, meaning]) => (
          <Fragment key={meaning}>
            <dt>
              {pressed.map((key) => (
                <Kbd key={key}>{key}</Kbd>
              ))}
            </dt>
            <dd>{meaning}</dd>
          </Fragment>
        ))}
      </dl>
    </Modal>
  );
}
