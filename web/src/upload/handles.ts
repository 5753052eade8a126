/**
 * Where files came from, for browsers that tell: with a handle a file is found again after a reload
 * without keeping a copy of it.
 */
const known = new WeakMap<File, FileSystemFileHandle>();

interface Askable extends FileSystemFileHandle {
  queryPermission?(asked: { mode: 'read' }): Promise<PermissionState>;
  requestPermission?(asked: { mode: 'read' }): Promise<PermissionState>;
}

export const handleOf = (file: File): FileSystemFileHandle | null => known.get(file) ?? null;

export async function opened(handle: FileSystemFileHandle): Promise<File> {
  const file = await handle.getFile();
  known.set(file, handle);
  return file;
}

/**
 * The file behind a kept handle; null when it is gone, or when the browser wants to ask first and
 * `ask` is not set: asking takes a click of the person.
 */
export async function reopened(handle: FileSystemFileHandle, ask: boolean): Promise<File | null> {
  const askable: Askable = handle;
  try {
    let leave = (await askable.queryPermission?.({ mode: 'read' })) ?? 'granted';
    if (leave === 'prompt' && ask) {
      leave = (await askable.requestPermission?.({ mode: 'read' })) ?? 'denied';
    }
    return leave === 'granted' ? await opened(handle) : null;
  } catch {
    return null;
  }
}
