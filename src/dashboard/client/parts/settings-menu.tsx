import { ActionIcon, Button, Popover, SegmentedControl, Switch, Text, useMantineColorScheme } from '@mantine/core';
import { LANGUAGES, type Language, useLanguage } from '../words/language.tsx';
import { zone } from './format-time.ts';
import { LogOut, Settings } from './icons.ts';
import { useBlur } from './preferences.ts';
import { useSession, useSignOut } from './session.tsx';

export default function SettingsMenu() {
  const { words, language, choose } = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  const [blur, setBlur] = useBlur();
  const session = useSession();
  const signOut = useSignOut();
  return (
    <Popover defaultOpened position="bottom-end" width={280} withinPortal={false} trapFocus returnFocus>
      <Popover.Target>
        <ActionIcon variant="subtle" color="gray" aria-label={words.settings.title}>
          <Settings size={18} aria-hidden />
        </ActionIcon>
      </Popover.Target>
      <Popover.Dropdown>
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
          <Text size="xs" className="quiet">
            {words.settings.zone(zone)}
          </Text>
          {session.actor && session.required && (
            <Text size="xs" className="quiet">
              {words.settings.signedInAs(session.actor.name, words.scopes[session.actor.scope])}
            </Text>
          )}
          {session.required && (
            <Button
              size="xs"
              variant="default"
              leftSection={<LogOut size={14} aria-hidden />}
              onClick={() => void signOut()}
            >
              {words.settings.signOut}
            </Button>
          )}
        </div>
      </Popover.Dropdown>
    </Popover>
  );
}
