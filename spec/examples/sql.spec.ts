import { describe, expect, it } from '@jest/globals';
import { splitSql, transactionsOf } from '../../examples/origin/sql.js';

const texts = (sql: string): string[] => splitSql(sql).statements.map(({ text }) => text);

describe('splitSql', () => {
  it('ends a statement at a semicolon and tells its first line', () => {
    expect(splitSql('\nselect 1;\n-- two\nselect\n 2 ;')).toEqual({
      statements: [
        { text: 'select 1', line: 2 },
        { text: 'select\n 2', line: 4 },
      ],
      rest: undefined,
    });
  });

  it.each([
    ["'a;b'"],
    ["'it''s; fine'"],
    [String.raw`e'quote \'; on'`],
    ['"odd;name"'],
    ['$$a; b$$'],
    ['$body$ $$;$$ ; $body$'],
    ['/* ; */ 1'],
    ['1 -- ;\n + 1'],
  ])('lets the semicolon be in %s', (expression) => {
    expect(texts(`select ${expression}; select 2;`)).toEqual([`select ${expression}`, 'select 2']);
  });

  it('keeps the body of BEGIN ATOMIC together', () => {
    const body = 'create function f() returns int begin atomic select case when true then 1 end; select 2; end';
    expect(texts(`${body}; select 3;`)).toEqual([body, 'select 3']);
  });

  it.each([['select 1'], ['select $$ a; b'], ["select 'a; b"], ['select /* a; b']])(
    'gives back %s as unfinished',
    (sql) => {
      expect(splitSql(`select 0; ${sql}`).rest?.text).toBe(sql);
    },
  );

  it('makes nothing of space, comments and lone semicolons', () => {
    expect(splitSql(' ; -- nothing\n ;; /* here */ ')).toEqual({ statements: [], rest: undefined });
  });
});

describe('transactionsOf', () => {
  it('groups what stands between BEGIN and COMMIT or ROLLBACK', () => {
    const { transactions, open } = transactionsOf(
      splitSql('select 1; begin; select 2; select 3; commit; start transaction; select 4; rollback;').statements,
    );
    expect(transactions.map(({ statements, rollback }) => [statements.length, rollback])).toEqual([
      [1, false],
      [2, false],
      [1, true],
    ]);
    expect(open).toBeUndefined();
  });

  it('tells the BEGIN of a transaction that does not end', () => {
    expect(transactionsOf(splitSql('select 1;\nbegin; select 2;').statements).open?.line).toBe(2);
  });
});
