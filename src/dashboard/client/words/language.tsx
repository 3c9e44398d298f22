import { createContext, type ReactNode, use, useEffect, useMemo, useState } from 'react';
import { type Dictionary, en } from './en.ts';
import { zh } from './zh.ts';

export const LANGUAGES = { en, zh } satisfies Record<string, Dictionary>;
export type Language = keyof typeof LANGUAGES;

const STORED = 'snapaudit-language';

const Words = createContext<{ words: Dictionary; language: Language; choose: (language: Language) => void }>({
  words: en,
  language: 'en',
  choose: () => {},
});

export function useWords(): Dictionary {
  return use(Words).words;
}

export function useLanguage() {
  return use(Words);
}

function preferred(): Language {
  const stored = localStorage.getItem(STORED);
  if (stored === 'en' || stored === 'zh') return stored;
  return navigator.language.toLowerCase().startsWith('zh') ? 'zh' : 'en';
}

export function LanguageProvider({ children }: { children: ReactNode }) {
  const [language, setLanguage] = useState(preferred);
  useEffect(() => {
    document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  }, [language]);
  const value = useMemo(
    () => ({
      words: LANGUAGES[language],
      language,
      choose: (chosen: Language) => {
        localStorage.setItem(STORED, chosen);
        setLanguage(chosen);
      },
    }),
    [language],
  );
  return <Words value={value}>{children}</Words>;
}
