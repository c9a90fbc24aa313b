import { describe, expect, it } from '@jest/globals';
import { FanoutError } from 'ddl-fanout';
import { badOption, functionOption, milliseconds, objectOption, oneOf, show, wholeNumber } from '../lib/options.js';

function thrown(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe('options', () => {
  it.each([0, 1, 256, Number.MAX_SAFE_INTEGER, Infinity])('takes %p for a whole number', (value) => {
    expect(wholeNumber('capacity', value)).toBe(value);
  });

  it.each([-1, 0.5, NaN, -Infinity, '4', null, undefined, 4n, {}, []])('refuses %p as a whole number', (value) => {
    const error = thrown(() => wholeNumber('capacity', value as number));
    expect(error).toBeInstanceOf(FanoutError);
    expect(error).toMatchObject({ code: 'BAD_OPTION' });
    expect((error as Error).message).toBe(
      `capacity must be a whole number of 0 or more, or Infinity, got ${show(value)}`,
    );
  });

  it('says the least that a whole number can be', () => {
    expect(wholeNumber('size', 2, 2)).toBe(2);
    expect(() => wholeNumber('size', 1, 2)).toThrow('size must be a whole number of 2 or more, or Infinity, got 1');
  });

  // A symbol, and an object without a prototype, were compared with numbers first: a TypeError.
  it.each([-1, NaN, Infinity, '5', 5n, null, Symbol('s'), Object.create(null)])('refuses %p as a time', (value) => {
    for (const least of [undefined, 0]) {
      expect(thrown(() => milliseconds('duration', value as number, least))).toMatchObject({
        code: 'BAD_OPTION',
        message: expect.stringMatching(`^duration must be milliseconds .* got `) as unknown,
      });
    }
  });

  it('refuses what is no function', () => {
    expect(() => functionOption('deliver', show)).not.toThrow();
    expect(() => functionOption('deliver', null)).toThrow('deliver must be a function, got null');
  });

  it('takes any object but arrays and promises, and says which it was', () => {
    for (const object of [{}, Object.create(null) as object, new Map(), new FanoutError('BAD_OPTION', '')])
      expect(objectOption('options', object)).toBe(object);
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(() => objectOption('options', proxy)).toThrow('options must be an object, got an object');
    expect(() => objectOption('options', [])).toThrow('options must be an object, got an empty array');
    expect(() => objectOption('options', Promise.resolve())).toThrow('options must be an object, got a promise');
  });

  it('refuses what is none of the choices, and names them', () => {
    expect(() => oneOf('overflow', 'a', ['a', 'b'])).not.toThrow();
    expect(() => oneOf('overflow', 'c', ['a', 'b'])).toThrow('overflow must be one of "a", "b", got "c"');
  });

  it.each([
    ['text', '"text"'],
    [5n, '5n'],
    [true, 'true'],
    [null, 'null'],
    [undefined, 'undefined'],
    [[1], 'an array'],
    [[], 'an empty array'],
    [{ a: 1 }, 'an object'],
    [Promise.resolve(), 'a promise'],
    [() => 1, 'a function'],
    [Symbol('s'), 'Symbol(s)'],
  ])('shows %p as a reader would write it', (value, text) => {
    expect(show(value)).toBe(text);
  });

  it('shows a Proxy that was revoked', () => {
    // Asking whether it is an array threw, in the place of the error that was to show it.
    const { proxy, revoke } = Proxy.revocable({}, {});
    revoke();
    expect(show(proxy)).toBe('an object');
  });

  it('cuts long text to a line', () => {
    expect(show('x'.repeat(1_000))).toHaveLength(80);
    expect(badOption('name', 'short', 'x'.repeat(1_000)).message.length).toBeLessThan(120);
  });
});
