import type { SignedPart } from '../api/types';
import { Problem, unreachable } from '../api/problem';

/**
 * Sends the bytes of one part to its signed address and resolves with the storage's ETag of it,
 * where the browser may read it. Only XMLHttpRequest tells upload progress.
 */
export function sendPart(
  part: SignedPart,
  body: ArrayBuffer,
  signal: AbortSignal,
  onProgress: (sent: number) => void,
): Promise<string | null> {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(part.method, part.url);
    for (const [name, value] of Object.entries(part.headers)) {
      // The browser sets these itself and refuses them from scripts.
      if (!/^(content-length|host)$/i.test(name)) request.setRequestHeader(name, value);
    }
    request.upload.onprogress = (event) => onProgress(event.loaded);
    request.onload = () => {
      if (request.status >= 200 && request.status < 300) resolve(request.getResponseHeader('etag'));
      else reject(refused(request));
    };
    request.onerror = () => reject(unreachable());
    request.ontimeout = () => reject(unreachable());
    request.onabort = () => reject(new DOMException('The part was stopped.', 'AbortError'));
    signal.addEventListener('abort', () => request.abort(), { once: true });
    if (signal.aborted) request.abort();
    else request.send(body);
  });
}

function refused(request: XMLHttpRequest): Problem {
  let detail = 'The server refused a part of the file.';
  try {
    const body = JSON.parse(request.responseText) as { detail?: string };
    if (body.detail) detail = body.detail;
  } catch {
    // Object stores answer in XML, which is not for people.
  }
  return new Problem({
    type: 'about:blank',
    title: 'Part refused',
    status: request.status,
    detail,
  });
}
