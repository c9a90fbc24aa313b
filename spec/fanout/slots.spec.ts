import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { LINED_UP, Slots } from '../../lib/fanout/slots.js';
import type { GroupMember } from '../../lib/fanout/groupMember.js';

/** As much of a session as its slot has to do with. */
function member(name: string): GroupMember {
  return { id: name, index: -1, deliver: () => name } as unknown as GroupMember;
}

function namesIn({ sessions }: Slots): (string | undefined)[] {
  return sessions.map((session) => session?.id);
}

/** Every session knows its index, and what stands beside it is its own. */
function expectConsistent(
  slots: Slots,
  ready: ReadonlySet<GroupMember>,
  linedUp: ReadonlySet<GroupMember> = new Set(),
): void {
  expect(slots.ready).toHaveLength(slots.length);
  slots.sessions.forEach((session, index) => {
    expect(session?.index ?? index).toBe(index);
    const deliver = session !== undefined && ready.has(session) ? session.deliver : undefined;
    expect(slots.ready[index]).toBe(session !== undefined && linedUp.has(session) ? LINED_UP : deliver);
  });
  const isReady = (session: GroupMember | undefined) => session === undefined || ready.has(session);
  expect(slots.unready()).toEqual(slots.sessions.filter((session) => !isReady(session)));
}

describe('Slots', () => {
  it('fills the place of a session that is removed with the last one', () => {
    const slots = new Slots();
    const [a, b, c] = [member('a'), member('b'), member('c')];
    for (const session of [a, b, c]) slots.add(session);
    slots.markReady(c);
    slots.remove(a, false);
    expect(namesIn(slots)).toEqual(['c', 'b']);
    expect([a.index, b.index, c.index]).toEqual([-1, 1, 0]);
    expectConsistent(slots, new Set([c]));
  });

  it('leaves holes while they must stay, and fills them all at once', () => {
    const slots = new Slots();
    const [a, b, c, d] = [member('a'), member('b'), member('c'), member('d')];
    for (const session of [a, b, c, d]) {
      slots.add(session);
      slots.markReady(session);
    }
    slots.remove(b, true);
    slots.remove(d, true);
    expect(namesIn(slots)).toEqual(['a', undefined, 'c', undefined]);
    slots.fillHoles();
    expect(namesIn(slots)).toEqual(['a', 'c']);
    expectConsistent(slots, new Set([a, c]));
  });

  it('leaves a session alone that it does not hold any more', () => {
    const slots = new Slots();
    const [a, b] = [member('a'), member('b')];
    slots.add(a);
    slots.remove(a, false);
    slots.add(b);
    slots.remove(a, false);
    expect(namesIn(slots)).toEqual(['b']);
    expectConsistent(slots, new Set());
  });

  it('keeps indices and delivery functions beside their sessions, whatever is done in whatever order', () => {
    const step = fc.record({
      what: fc.constantFrom('add', 'remove', 'leave a hole', 'fill', 'mark', 'line up', 'unmark', 'move to the front'),
      which: fc.nat(),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
        const slots = new Slots();
        const held: GroupMember[] = [];
        const ready = new Set<GroupMember>();
        const linedUp = new Set<GroupMember>();
        let holes = false;
        for (const [i, { what, which }] of steps.entries()) {
          const session = held[which % held.length];
          if (what === 'add') {
            const added = member(`session-${i}`);
            held.push(added);
            slots.add(added);
          } else if (what === 'fill') {
            slots.fillHoles();
            holes = false;
          } else if (session === undefined) {
            continue;
          } else if (what === 'mark') {
            slots.markReady(session);
            ready.add(session);
            linedUp.delete(session);
          } else if (what === 'line up') {
            slots.markLinedUp(session);
            linedUp.add(session);
            ready.delete(session);
          } else if (what === 'unmark') {
            slots.unmark(session);
            ready.delete(session);
            linedUp.delete(session);
          } else if (what === 'move to the front') {
            slots.moveTo(0, session);
          } else {
            // Only when nothing is under way are there no holes to respect.
            holes ||= what === 'leave a hole';
            slots.remove(session, holes);
            held.splice(held.indexOf(session), 1);
            ready.delete(session);
            linedUp.delete(session);
          }
          expectConsistent(slots, ready, linedUp);
        }
        slots.fillHoles();
        expect(new Set(namesIn(slots))).toEqual(new Set(held.map(({ id }) => id)));
      }),
    );
  });
});
