/**
 * The other end of the WebSocket bench, in a process of its own: opens sockets, shakes hands where there is somebody to shake
 * hands with, reads and throws away. It tells its parent when all are open, and how many bytes came whenever that has changed.
 */
import { connect, type Socket } from 'node:net';
import { randomBytes } from 'node:crypto';
import { encodeMessage } from 'ddl-fanout/wire';

const [port, count, kind] = [Number(process.argv[2]), Number(process.argv[3]), process.argv[4]];
let bytes = 0;

const handshake = maskedFrame(
  encodeMessage('Handshake', {
    jwtToken: 'bench',
    vectorClock: new Map(),
    subscribedShapes: [],
    clientVersion: '',
    liteId: '',
    epoch: 0n,
    wireVersion: 1,
  }),
);

/** The text message `40`: a socket.io client joins the main namespace. */
const joinNamespace = Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0x34, 0x30]);

/** One client message; a mask of zeros leaves the payload as it is. */
function maskedFrame(payload: Uint8Array): Buffer {
  return Buffer.concat([Buffer.from([0x82, 0x80 | payload.length, 0, 0, 0, 0]), payload]);
}

function open(): Promise<Socket> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1', () => {
      if (kind === 'net') {
        resolve(socket);
        return;
      }
      const key = randomBytes(16).toString('base64');
      socket.write(
        `GET ${kind === 'socket.io' ? '/socket.io/?EIO=4&transport=websocket' : '/sync'} HTTP/1.1\r\nHost: bench\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
          `Sec-WebSocket-Key: ${key}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
      socket.once('data', () => {
        if (kind === 'fanout') socket.write(handshake);
        if (kind === 'socket.io') socket.write(joinNamespace);
        resolve(socket);
      });
    });
    socket.on('data', (data) => {
      bytes += data.length;
    });
  });
}

for (let opened = 0; opened < count; opened++) await open();
process.send?.({ opened: count });
let told = 0;
setInterval(() => {
  if (bytes !== told) process.send?.({ bytes });
  told = bytes;
}, 20);
process.on('disconnect', () => process.exit());
