// The entries of a zip archive, unpacked one by one while it stays on the disk (APPNOTE 4.3, 4.4, 4.5.3).

const END = 0x06054b50;
const END64_LOCATOR = 0x07064b50;
const END64 = 0x06064b50;
const ENTRY = 0x02014b50;
const LOCAL = 0x04034b50;
const LONGEST_END = 22 + 65535;
const MOST_ENTRIES = 100000;
const LARGEST = 4 * 1024 ** 3;

/** @typedef {{name: string, size: number, open: () => Promise<Blob>}} Entry */

/** Why an archive cannot be unpacked. */
export class NotUnpacked extends Error {}

/**
 * List the files of an archive.
 * @param {Blob} archive @returns {Promise<Entry[]>}
 */
export async function entriesOf(archive) {
  const { start, length, count } = await directoryOf(archive);
  if (count > MOST_ENTRIES || start + length > archive.size) throw new NotUnpacked("directory");
  const view = await viewOf(archive, start, length);
  const found = [];
  let at = 0;
  while (at + 46 <= view.byteLength && view.getUint32(at, true) === ENTRY) {
    const [nameLength, extraLength, commentLength] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
    if (at + 46 + nameLength + extraLength > view.byteLength) break;
    const entry = entryAt(archive, view, at, nameLength, extraLength);
    if (entry) found.push(entry);
    at += 46 + nameLength + extraLength + commentLength;
  }
  return found;
}

/** @param {Blob} archive */
async function directoryOf(archive) {
  const from = Math.max(0, archive.size - LONGEST_END);
  const view = await viewOf(archive, from, archive.size - from);
  for (let at = view.byteLength - 22; at >= 0; at -= 1) {
    if (view.getUint32(at, true) !== END) continue;
    const end = { count: view.getUint16(at + 10, true), length: view.getUint32(at + 12, true), start: view.getUint32(at + 16, true) };
    const isLarge = end.count === 0xffff || end.length === 0xffffffff || end.start === 0xffffffff;
    if (!isLarge || at < 20 || view.getUint32(at - 20, true) !== END64_LOCATOR) return end;
    const large = await viewOf(archive, Number(view.getBigUint64(at - 12, true)), 56);
    if (large.byteLength < 56 || large.getUint32(0, true) !== END64) throw new NotUnpacked("directory");
    const [count, length, start] = [32, 40, 48].map((place) => Number(large.getBigUint64(place, true)));
    return { count, length, start };
  }
  throw new NotUnpacked("directory");
}

/** @param {Blob} archive @param {DataView} view @param {number} at @param {number} nameLength @param {number} extraLength @returns {Entry|null} */
function entryAt(archive, view, at, nameLength, extraLength) {
  const name = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + at + 46, nameLength));
  if (name.endsWith("/")) return null;
  const isEncrypted = (view.getUint16(at + 8, true) & 1) === 1;
  const method = view.getUint16(at + 10, true);
  const sizes = { packed: view.getUint32(at + 20, true), size: view.getUint32(at + 24, true), place: view.getUint32(at + 42, true) };
  largeSizes(view, at + 46 + nameLength, extraLength, sizes);
  const open = async () => {
    if (isEncrypted || (method !== 0 && method !== 8)) throw new NotUnpacked("method");
    if (sizes.size > LARGEST) throw new NotUnpacked("size");
    const head = await viewOf(archive, sizes.place, 30);
    if (head.byteLength < 30 || head.getUint32(0, true) !== LOCAL) throw new NotUnpacked("entry");
    const start = sizes.place + 30 + head.getUint16(26, true) + head.getUint16(28, true);
    const packed = archive.slice(start, start + sizes.packed);
    return method === 0 ? packed : inflated(packed, sizes.size);
  };
  return { name, size: sizes.size, open };
}

/** Sizes above 4 GB stand in the extra field, in this order. @param {DataView} view @param {number} at @param {number} length @param {Record<string, number>} sizes */
function largeSizes(view, at, length, sizes) {
  const end = at + length;
  while (at + 4 <= end) {
    const [id, size] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    let place = at + 4;
    if (id === 1) {
      for (const name of ["size", "packed", "place"]) {
        if (sizes[name] !== 0xffffffff || place + 8 > Math.min(end, at + 4 + size)) continue;
        sizes[name] = Number(view.getBigUint64(place, true));
        place += 8;
      }
    }
    at += 4 + size;
  }
}

/** @param {Blob} packed @param {number} size bytes that come out, as the directory says; more is a lie @returns {Promise<Blob>} */
async function inflated(packed, size) {
  const reader = packed.stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
  const chunks = [];
  let length = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    if (length > size) {
      await reader.cancel();
      throw new NotUnpacked("size");
    }
    chunks.push(value);
  }
  return new Blob(chunks);
}

/** @param {Blob} blob @param {number} start @param {number} length */
async function viewOf(blob, start, length) {
  return new DataView(await blob.slice(start, start + length).arrayBuffer());
}
