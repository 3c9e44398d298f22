import { ActionIcon, Burger, Menu, SegmentedControl, Switch, Text, useMantineColorScheme } from '@mantine/core';
import { useDisclosure } from '@mantine/hooks';
import { type ReactNode, useEffect } from 'react';
import { Link, useLocation } from 'wouter';
import { useWall, useWallConnection } from '../wall/wall-store.ts';
import { LANGUAGES, type Language, useLanguage, useWords } from '../words/language.tsx';
import { HelpDialog } from './help-dialog.tsx';
import { Keyboard, LogOut, Settings } from './icons.ts';
import { LiveMark } from './live-mark.tsx';
import { useBlur } from './preferences.ts';
import { useSession, useSignOut } from './session.tsx';
import { useShortcuts } from './shortcuts.ts';
import { zone } from './time.tsx';

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
          <SettingsMenu />
        </span>
      </header>
      <main id="content" tabIndex={-1}>
        {children}
      </main>
      <HelpDialog opened={help} onClose={helpActions.close} />
    </>
  );
}

function SettingsMenu() {
  const { words, language, choose } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [blur, setBlur] = useBlur();
  const session = useSession();
  const signOut = useSignOut();
  return (
    <Menu position="bottom-end" width={280} closeOnItemClick={false} withinPortal={false} keepMounted={false}>
      <Menu.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={words.settings.title}>
          <Settings size={18} aria-hidden />
        </ActionIcon>
      </Menu.Target>
      <Menu.Dropdown>
        <div className="settings">
          <Text size="xs" fw={600} id="settings-theme">
            {words.settings.theme}
          </Text>
          <SegmentedControl
            size="xs"
            fullWidth
            aria-labelledby="settings-theme"
            value={colorScheme}
            onChange={(value) => setColorScheme(value as 'light' | 'dark' | 'auto')}
            data={[
              { value: 'auto', label: words.settings.auto },
              { value: 'light', label: words.settings.light },
              { value: 'dark', label: words.settings.dark },
            ]}
          />
          <Text size="xs" fw={600} id="settings-language">
            {words.settings.language}
          </Text>
          <SegmentedControl
            size="xs"
            fullWidth
            aria-labelledby="settings-language"
            value={language}
            onChange={(value) => choose(value as Language)}
            data={Object.entries(LANGUAGES).map(([value, each]) => ({ value, label: each.language }))}
          />
          <Switch
            size="xs"
            label={words.settings.blur}
            checked={blur}
            onChange={(event) => setBlur(event.currentTarget.checked)}
          />
          <Text size="xs" c="dimmed">
            {words.settings.zone(zone)}
          </Text>
          {session.actor && session.required && (
            <Text size="xs" c="dimmed">
              {words.settings.signedInAs(session.actor.name, session.actor.scope)}
            </Text>
          )}
        </div>
        {session.required && (
          <Menu.Item leftSection={<LogOut size={14} aria-hidden />} onClick={() => void signOut()}>
            {words.settings.signOut}
          </Menu.Item>
        )}
      </Menu.Dropdown>
    </Menu>
  );
}
