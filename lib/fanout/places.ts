/** Stands in one list at a time, and is told where. */
export interface Placed {
  /** Where it stands, or -1; kept by the list. */
  place: number;
}

/**
 * Whoever comes and goes in constant time, in no order: the last fills the hole. A Set would do, but for a member that comes
 * and goes among very many: V8 keeps what was deleted in a chain, which it walks each time, until the Set is rebuilt.
 */
export class Places<T extends Placed> {
  readonly members: T[] = [];

  add(member: T): void {
    member.place = this.members.push(member) - 1;
  }

  /** Does nothing when it stands in no list. */
  remove(member: T): void {
    const { place } = member;
    if (place < 0) return;
    member.place = -1;
    const last = this.members.pop();
    if (last === undefined || last === member) return;
    this.members[place] = last;
    last.place = place;
  }
}
