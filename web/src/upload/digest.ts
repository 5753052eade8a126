const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

/** SHA-256 of bytes; null where the page is not served securely, and browsers refuse to hash. */
export async function sha256(data: BufferSource): Promise<Uint8Array<ArrayBuffer> | null> {
  const { subtle } = crypto as { subtle?: SubtleCrypto };
  return subtle ? new Uint8Array(await subtle.digest('SHA-256', data)) : null;
}

/** The hash of the parts' hashes, one after the other, in hexadecimal digits. */
export async function joined(digests: readonly Uint8Array[]): Promise<string | null> {
  const all = new Uint8Array(digests.length * 32);
  digests.forEach((digest, index) => all.set(digest, index * 32));
  const digest = await sha256(all);
  return digest && hex(digest);
}

const SHIFTS = [7, 12, 17, 22, 5, 9, 14, 20, 4, 11, 16, 23, 6, 10, 15, 21];
const SINES = Int32Array.from(
  { length: 64 },
  (_, index) => Math.abs(Math.sin(index + 1)) * 2 ** 32,
);

/**
 * MD5 (RFC 1321) in hexadecimal digits: what storages answer as the ETag of a part. It is compared
 * to recognise a file, and protects nothing.
 */
export function md5(data: ArrayBuffer): string {
  const state = Int32Array.of(0x67452301, 0xefcdab89, 0x98badcfe, 0x10325476);
  const whole = data.byteLength - (data.byteLength % 64);
  const view = new DataView(data);
  for (let at = 0; at < whole; at += 64) turn(state, view, at);
  const rest = new Uint8Array(data, whole);
  const end = new DataView(new ArrayBuffer(rest.length < 56 ? 64 : 128));
  new Uint8Array(end.buffer).set(rest);
  end.setUint8(rest.length, 0x80);
  end.setUint32(end.byteLength - 8, (data.byteLength << 3) >>> 0, true);
  end.setUint32(end.byteLength - 4, Math.floor(data.byteLength / 2 ** 29), true);
  for (let at = 0; at < end.byteLength; at += 64) turn(state, end, at);
  return hex(new Uint8Array(state.buffer));
}

function turn(state: Int32Array, view: DataView, at: number): void {
  let a = state[0] ?? 0;
  let b = state[1] ?? 0;
  let c = state[2] ?? 0;
  let d = state[3] ?? 0;
  for (let step = 0; step < 64; step += 1) {
    const round = step >> 4;
    let mixed = c ^ (b | ~d);
    let word = 7 * step;
    if (round === 0) {
      mixed = (b & c) | (~b & d);
      word = step;
    } else if (round === 1) {
      mixed = (d & b) | (~d & c);
      word = 5 * step + 1;
    } else if (round === 2) {
      mixed = b ^ c ^ d;
      word = 3 * step + 5;
    }
    const sum = (a + mixed + (SINES[step] ?? 0) + view.getInt32(at + (word & 15) * 4, true)) | 0;
    const shift = SHIFTS[round * 4 + (step & 3)] ?? 0;
    a = d;
    d = c;
    c = b;
    b = (b + ((sum << shift) | (sum >>> (32 - shift)))) | 0;
  }
  state[0] = (state[0] ?? 0) + a;
  state[1] = (state[1] ?? 0) + b;
  state[2] = (state[2] ?? 0) + c;
  state[3] = (state[3] ?? 0) + d;
}
