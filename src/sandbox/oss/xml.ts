import { XMLBuilder } from 'fast-xml-parser';

const DECLARATION = '<?xml version="1.0" encoding="UTF-8"?>\n';

// Values are escaped here and not by the builder: it has no answer to control characters. OSS sends them as character
// references, which XML 1.0 forbids, so a client that did not ask for encoding-type=url cannot read the page.
const builder = new XMLBuilder({
  processEntities: false,
  tagValueProcessor: (_name, value) => escapeText(String(value)),
});

const REFERENCES: Record<string, string> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' };

function escapeText(text: string): string {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what must not go out raw.
  return text.replace(/[&<>"\u0000-\u001f\u007f]/g, (char) => REFERENCES[char] ?? `&#${char.charCodeAt(0)};`);
}

/** An array stands for repeated elements; an empty text for an empty element. */
export interface XmlElements {
  [name: string]: string | number | boolean | XmlElements | XmlElements[] | undefined;
}

export function renderXml(rootName: string, content: XmlElements): string {
  const present = Object.fromEntries(Object.entries(content).filter(([, value]) => value !== undefined));
  return DECLARATION + builder.build({ [rootName]: present });
}
