// A device that joins what `npm start` runs: shows its status and the definitions that arrive, until Ctrl-C.
import { connectLite } from 'ddl-fanout/lite';
import { WebSocket } from 'ws';

const [url, token] = process.argv.slice(2);
if (url === undefined || token === undefined) {
  console.error('npx tsx examples/device.ts URL TOKEN   (npm start prints both)');
  process.exit(2);
}

const device = connectLite({ url, token, WebSocket });
device.status$.subscribe((status) => {
  console.log(status === 'live' ? `live, with ${device.definitions.size} definitions` : status);
});
device.errors$.subscribe(({ message }) => {
  console.log(message);
});
device.messages$.subscribe({
  next: ({ action, definitionType, name, payload }) => {
    console.log(`  ${action} ${definitionType} ${name}  ${payload.length} bytes`);
  },
  error: () => {
    process.exitCode = 1; // the token was refused, which `errors$` has told
  },
});
process.once('SIGINT', () => {
  device.close();
});
