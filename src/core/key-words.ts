/** Keys are told by words, for they are secrets: those of the fields `signed` and `key`, in Chinese. */
export const KEY_WORDS: Record<string, string> = {
  yes: '是',
  no: '否',
  ours: '我方密钥',
  'another key': '其他密钥',
  none: '无',
};

export const KEY_FIELDS: readonly string[] = ['key', 'signed'];
