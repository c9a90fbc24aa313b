import { guarded } from '../unhandled.js';

let tasks: (() => void)[] = [];

/** Calls back at the end of this turn of the event loop. All of one turn share an immediate: one for each socket is dear. */
export function atTurnEnd(task: () => void): void {
  if (tasks.length === 0) setImmediate(end);
  tasks.push(task);
}

function end(): void {
  const due = tasks;
  tasks = [];
  for (const task of due) guarded(task);
}
