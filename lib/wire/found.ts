/** Each family of MessagePack markers ends below its number. */
const FAMILIES = [
  [0x80, 'a positive fixint'],
  [0x90, 'a map'],
  [0xa0, 'an array'],
  [0xc0, 'a str'],
  [0xc1, 'nil'],
  [0xc2, 'the unused marker 0xc1'],
  [0xc4, 'a bool'],
  [0xc7, 'a bin'],
  [0xca, 'an ext'],
  [0xcc, 'a float'],
  [0xcd, 'a uint8'],
  [0xce, 'a uint16'],
  [0xcf, 'a uint32'],
  [0xd0, 'a uint64'],
  [0xd4, 'a signed int'],
  [0xd9, 'an ext'],
  [0xdc, 'a str'],
  [0xde, 'an array'],
  [0xe0, 'a map'],
] as const;

/** What a MessagePack marker begins, in words for an error; -1 is the end of the body. */
export function found(marker: number): string {
  if (marker < 0) return 'the end of the body';
  for (const [below, what] of FAMILIES) if (marker < below) return what;
  return 'a negative fixint';
}
