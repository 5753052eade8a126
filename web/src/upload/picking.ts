import { opened } from './handles';

/** What was dropped or picked: files, and the names of folders among them. */
export interface Picked {
  files: File[];
  folders: string[];
}

interface Dropped extends DataTransferItem {
  getAsFileSystemHandle?(): Promise<FileSystemHandle | null>;
}

interface PickingWindow {
  showOpenFilePicker?(asked: object): Promise<FileSystemFileHandle[]>;
}

/** Everything that was dropped. Call it within the event: what it holds is gone after it. */
export async function dropped(transfer: DataTransfer): Promise<Picked> {
  const items = [...transfer.items].filter((item) => item.kind === 'file') as Dropped[];
  // Both are asked for at once: after the first pause the browser answers nothing any more.
  const asked = items.map((item) => ({
    entry: item.webkitGetAsEntry(),
    file: item.getAsFile(),
    handle: item.getAsFileSystemHandle?.().catch(() => null),
  }));
  const picked: Picked = { files: [], folders: [] };
  for (const { entry, file, handle } of asked) {
    if (entry?.isDirectory) {
      picked.folders.push(entry.name);
      continue;
    }
    const found = await handle;
    const again =
      found?.kind === 'file' ? await opened(found as FileSystemFileHandle).catch(() => null) : null;
    const one = again ?? file;
    if (one) picked.files.push(one);
  }
  return picked;
}

/** Whether files are best asked for with `choose`, because they can be found again later. */
export const mayChoose = (): boolean =>
  typeof (window as PickingWindow).showOpenFilePicker === 'function';

/** Asks for files; none when the person thinks better of it. */
export async function choose(types: readonly string[], multiple: boolean): Promise<File[]> {
  const accept = Object.fromEntries(types.map((type) => [type, []]));
  try {
    const handles = await (window as PickingWindow).showOpenFilePicker?.({
      multiple,
      types: [{ description: 'Photos and videos', accept }],
    });
    return await Promise.all((handles ?? []).map(opened));
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') return [];
    throw error;
  }
}
