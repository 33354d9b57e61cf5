// How large a picture in a file is, by its first bytes: before it takes any memory.

export const TOO_LARGE_BYTES = 16 * 1024 * 1024;
export const TOO_MANY_PIXELS = 16 * 1000 * 1000;

const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a];
// Segments of a JPEG file that hold its size; these of the same range hold tables.
const FIRST_FRAME = 0xc0;
const LAST_FRAME = 0xcf;
const TABLES = [0xc4, 0xc8, 0xcc];

/**
 * Width and height of a PNG or JPEG file; null of any other.
 *
 * @param {Uint8Array} bytes
 * @returns {[number, number] | null}
 */
export function sizeOf(bytes) {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.length >= 24 && PNG.every((value, place) => bytes[place] === value)) {
    return [view.getUint32(16), view.getUint32(20)];
  }
  if (bytes[0] !== 0xff || bytes[1] !== 0xd8) return null;
  for (let place = 2; place + 9 < bytes.length && bytes[place] === 0xff;) {
    const marker = bytes[place + 1];
    if (marker >= FIRST_FRAME && marker <= LAST_FRAME && !TABLES.includes(marker)) {
      return [view.getUint16(place + 7), view.getUint16(place + 5)];
    }
    place += 2 + view.getUint16(place + 2);
  }
  return null;
}
