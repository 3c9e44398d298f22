import { ActionIcon, Burger } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import { useWall, useWallConnection } from '../wall/wall-store.ts';
import { useWords } from '../words/language.tsx';
import { Keyboard, Settings } from './icons.ts';
import { LiveMark } from './live-mark.tsx';
import { useShortcuts } from './shortcuts.ts';

const HelpDialog = lazy(() => import('./help-dialog.tsx'));
const SettingsMenu = lazy(() => import('./settings-menu.tsx'));

const PAGES = ['wall', 'incidents', 'gaps', 'configs', 'audits', 'quarantine', 'report'] as const;

export function Shell({ children }: { children: ReactNode }) {
  const words = useWords();
  const [location] = useLocation();
  const [menu, { toggle, close }] = useDisclosure(false);
  const [help, helpActions] = useDisclosure(false);
  const incidents = useWall((state) => state.summary?.incidents.length ?? 0);
  useWallConnection();
  useShortcuts({ onHelp: helpActions.open });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the menu of the phone closes when the page changes
  useEffect(close, [location]);

  return (
    <>
      <a className="skip" href="#content">
        {words.nav.skip}
      </a>
      <header className="top">
        <Burger
          className="phone"
          size="sm"
          opened={menu}
          onClick={toggle}
          aria-label={words.nav.menu}
          aria-expanded={menu}
        />
        <Link href="/" className="brand" aria-label="Snapaudit">
          <svg viewBox="0 0 16 16" width="20" height="20" aria-hidden="true">
            <rect width="16" height="16" rx="4" fill="#0b7285" />
            <path d="M3 5v6M6 5v6M12.5 5v6" stroke="#fff" strokeWidth="1.8" strokeLinecap="round" />
            <path d="M9.2 5v6" stroke="#fff" strokeOpacity=".45" strokeWidth="1.8" strokeDasharray="1.6 1.4" />
          </svg>
          <span>Snapaudit</span>
        </Link>
        <nav className={menu ? 'open' : ''} aria-label={words.nav.main}>
          {PAGES.map((page) => {
            const path = page === 'wall' ? '/' : `/${page}`;
            const current =
              page === 'wall' ? location === '/' || location.startsWith('/streams/') : location.startsWith(path);
            return (
              <Link key={page} href={path} aria-current={current ? 'page' : undefined}>
                {words.nav[page]}
                {page === 'incidents' && incidents > 0 && <span className="count">{incidents}</span>}
              </Link>
            );
          })}
        </nav>
        <span className="top-end">
          <LiveMark />
          <ActionIcon
            className="desk"
            variant="subtle"
            color="gray"
            aria-label={words.help.title}
            onClick={helpActions.open}
          >
            <Keyboard size={18} aria-hidden />
          </ActionIcon>
          <SettingsButton />
        </span>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      {help && (
        <Suspense>
          <HelpDialog onClose={helpActions.close} />
        </Suspense>
      )}
    </>
  );
}

/** The menu's code comes when somebody asks for it. */
function SettingsButton() {
  const words = useWords();
  const [wanted, setWanted] = useState(false);
  const button = (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={words.settings.title}
      aria-haspopup="dialog"
      onClick={() => setWanted(true)}
    >
      <Settings size={18} aria-hidden />
    </ActionIcon>
  );
  return wanted ? (
    <Suspense fallback={button}>
      <SettingsMenu />
    </Suspense>
  ) : (
    button
  );
}
