import type { Slide } from '../../api/types';
import { readUpload } from '../../api/uploads';
import { sourcesOf } from '../../post/sources';
import type { DraftItem } from '../draft.svelte';
import { decoded, type Source } from './source';

const LOOKS_EVERY_MS = 800;

/**
 * The unedited photo; null when nobody waits for it any more. Where the browser cannot decode the
 * file, what the server made of it is taken as soon as it is there, and `tell` is called with why.
 */
export async function openPhoto(
  item: DraftItem,
  tell: (why: string) => void,
  isGone: () => boolean,
): Promise<Source | null> {
  const { base: kept } = item.edit;
  try {
    return kept ? await standIn(kept, item) : await decoded(item.task.file);
  } catch {
    // Then another picture of it is needed.
  }
  while (!isGone()) {
    const base = await renderedBase(item);
    if (base) return standIn(base, item);
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

/** A smaller picture in a photo's place; the photo's own size is told by its head. */
async function standIn(picture: Blob, { shape }: DraftItem): Promise<Source> {
  const source = await decoded(picture);
  return shape ? { ...source, size: shape } : source;
}

/** What the server made of an unedited photo, kept from now on; null while there is none. */
async function renderedBase(item: DraftItem): Promise<Blob | null> {
  const { id } = item.task.transfer;
  const { slide } = item.task;
  if (id === null || !slide) return null;
  try {
    const url = item.edit.isPlain ? largestOf(slide) : (await readUpload(id)).unedited;
    const answer = url ? await fetch(url) : null;
    if (!answer?.ok) return null;
    item.edit.base = await answer.blob();
  } catch {
    return null;
  }
  item.keep();
  return item.edit.base;
}

function reasonFor({ task }: DraftItem): string {
  const cannot = 'This browser cannot show this kind of photo itself.';
  return task.transfer.phase === 'failed'
    ? `${cannot} Its upload failed.`
    : `${cannot} It opens here as soon as the server has prepared it.`;
}

/** The address of the largest picture that every browser decodes. */
function largestOf(slide: Slide): string | undefined {
  const plain = slide.renditions.filter(({ format }) => /jpe?g$/i.test(format));
  const largest = plain.sort((one, other) => other.width - one.width)[0];
  return largest?.url ?? sourcesOf(slide).fallback?.url;
}
