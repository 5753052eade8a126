import { sourcesOf } from '../../post/sources';
import type { DraftItem } from '../draft.svelte';
import { decoded, type Source } from './source';

const LOOKS_EVERY_MS = 500;

/**
 * The unedited photo; null when nobody waits for it any more. Where the browser cannot decode the
 * file, what the server made of it is taken as soon as it is there, and `tell` is called with why.
 */
export async function openPhoto(
  item: DraftItem,
  tell: (why: string) => void,
  isGone: () => boolean,
): Promise<Source | null> {
  try {
    return await decoded(item.edit.base ?? item.task.file);
  } catch {
    // Then another picture of it is needed.
  }
  while (!isGone()) {
    const base = await renderedBase(item);
    if (base) return decoded(base);
    tell(reasonFor(item));
    await new Promise((resolve) => window.setTimeout(resolve, LOOKS_EVERY_MS));
  }
  return null;
}

/** Whether the unedited photo can be had now. */
export async function mayOpen(item: DraftItem): Promise<boolean> {
  try {
    (await createImageBitmap(item.edit.base ?? item.task.file)).close();
    return true;
  } catch {
    return (await renderedBase(item)) !== null;
  }
}

/** What the server made of an unedited photo, kept from now on; null while there is none. */
async function renderedBase(item: DraftItem): Promise<Blob | null> {
  const { slide } = item.task;
  if (!slide || !item.edit.isPlain) return null;
  try {
    item.edit.base = await renditionOf(slide);
  } catch {
    return null;
  }
  item.keep();
  return item.edit.base;
}

function reasonFor({ edit, task }: DraftItem): string {
  const cannot = 'This browser cannot show this kind of photo itself.';
  if (task.transfer.phase === 'failed') return `${cannot} Its upload failed.`;
  if (!edit.isPlain) return `${cannot} What was done to it earlier stays.`;
  return `${cannot} It opens here as soon as the server has prepared it.`;
}

/** The largest picture that every browser decodes. */
async function renditionOf(slide: NonNullable<DraftItem['task']['slide']>): Promise<Blob> {
  const plain = slide.renditions.filter(({ format }) => /jpe?g$/i.test(format));
  const largest = plain.sort((one, other) => other.width - one.width)[0];
  const url = largest?.url ?? sourcesOf(slide).fallback?.url;
  if (url === undefined) throw new Error('There is no rendition.');
  const answer = await fetch(url);
  if (!answer.ok) throw new Error('The rendition is not there.');
  return answer.blob();
}
