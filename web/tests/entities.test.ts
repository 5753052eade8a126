import { describe, expect, it } from 'vitest';
import { piecesOf } from '../src/text/entities';

const kinds = (text: string) =>
  piecesOf(text).flatMap((piece) => (piece.kind === 'text' ? [] : [`${piece.kind}:${piece.text}`]));

describe('a text', () => {
  it.each([
    '',
    'plain',
    '@ada #dawn https://example.org/x).',
    '#1 #2026 a@b.c ##x @@y',
    '(see https://example.org/a_(b))',
    'مساء الخير #عمان @noor!',
    '😹 with @theo',
  ])('is whole again when its pieces are joined: %s', (text) => {
    expect(
      piecesOf(text)
        .map((piece) => piece.text)
        .join(''),
    ).toBe(text);
  });

  it('has mentions, tags and links', () => {
    expect(kinds('@ada saw #Dawn at https://example.org/p?q=1#x')).toEqual([
      'mention:@ada',
      'tag:#Dawn',
      'link:https://example.org/p?q=1#x',
    ]);
  });

  it('knows tags of every script, in small letters', () => {
    expect(piecesOf('#Ångström #عمان')).toContainEqual({
      kind: 'tag',
      text: '#Ångström',
      tag: 'ångström',
    });
    expect(kinds('#عمان')).toEqual(['tag:#عمان']);
  });

  it('takes no e-mail address for a mention, no number for a tag, no path for either', () => {
    expect(kinds('write to ada@example.org')).toEqual([]);
    expect(kinds('we are #1 of #2026')).toEqual([]);
    expect(kinds('a/@b/#c')).toEqual([]);
  });

  it('leaves the punctuation behind a link or a name alone', () => {
    expect(kinds('Hi @ada, see https://example.org/a.')).toEqual([
      'mention:@ada',
      'link:https://example.org/a',
    ]);
    expect(kinds('(https://example.org/a_(b))')).toEqual(['link:https://example.org/a_(b)']);
  });
});
