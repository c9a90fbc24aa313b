import { stderr } from 'node:process';

/** Ends a run of jest with what it left out for want of a server, where the lines of a long run do not bury it. */
export default class LeftOutReporter {
  onRunComplete(_contexts, { testResults }) {
    const all = testResults.flatMap(({ testResults: specs }) => specs);
    const leftOut = all.filter(({ title }) => title.startsWith('is left out: ')).map(({ fullName }) => fullName);
    if (leftOut.length > 0) stderr.write(`\nLeft out:\n${leftOut.map((name) => `- ${name}\n`).join('')}`);
  }
}
