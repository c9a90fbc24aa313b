/** One SQL statement and the line (from 1) of its file or input on which it starts. */
export interface Statement {
  readonly text: string;
  readonly line: number;
}

/** What commits, or rolls back, together: a statement of its own, or all that stands between BEGIN and its end. */
export interface Transaction {
  readonly statements: readonly Statement[];
  readonly explicit: boolean;
  readonly rollback: boolean;
}

// Comments, quoted text and dollar quotes first: a semicolon inside them ends nothing. One that is still open takes the rest.
const token =
  /--[^\n]*|\/\*[^]*?(?:\*\/|$)|\be'(?:[^'\\]|\\[^]|'')*(?:'|$)|'[^']*(?:'|$)|"[^"]*(?:"|$)|(\$(?:[a-z_]\w*)?\$)[^]*?(?:\1|$)|[a-z_][\w$]*|;|\s+|[^]/gi;

/** Splits SQL at its semicolons. `rest` is what follows the last one, unless that is only space and comments. */
export function splitSql(sql: string): { statements: Statement[]; rest: Statement | undefined } {
  const statements: Statement[] = [];
  let start: number | undefined;
  let depth = 0; // of BEGIN ATOMIC ... END, whose semicolons belong to the function
  let before = '';
  const cut = (from: number, to: number): Statement => ({
    text: sql.slice(from, to).trimEnd(),
    line: sql.slice(0, from).split('\n').length,
  });
  for (const match of sql.matchAll(token)) {
    const word = match[0].toLowerCase();
    if (/^(?:\s|--|\/\*)/.test(word)) continue;
    if (word === ';' && depth === 0) {
      if (start !== undefined) statements.push(cut(start, match.index));
      start = undefined;
      continue;
    }
    start ??= match.index;
    if (before === 'begin' && word === 'atomic') depth = 1;
    else if (depth > 0 && word === 'case') depth += 1;
    else if (depth > 0 && word === 'end') depth -= 1;
    before = word;
  }
  return { statements, rest: start === undefined ? undefined : cut(start, sql.length) };
}

/** Groups statements by BEGIN and COMMIT or ROLLBACK. `open` is the BEGIN of a transaction that does not end. */
export function transactionsOf(statements: readonly Statement[]): {
  transactions: Transaction[];
  open: Statement | undefined;
} {
  const transactions: Transaction[] = [];
  let open: Statement | undefined;
  let inside: Statement[] = [];
  for (const statement of statements) {
    if (open === undefined && /^(?:begin|start\s+transaction)\b/i.test(statement.text)) open = statement;
    else if (open === undefined) transactions.push({ statements: [statement], explicit: false, rollback: false });
    else if (/^(?:commit|end|rollback|abort)$/i.test(statement.text)) {
      transactions.push({ statements: inside, explicit: true, rollback: /^(?:rollback|abort)/i.test(statement.text) });
      open = undefined;
      inside = [];
    } else inside.push(statement);
  }
  return { transactions, open };
}
