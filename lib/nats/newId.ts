/** A message id that no other publish has. */
export function newId(): string {
  return crypto.randomUUID();
}
