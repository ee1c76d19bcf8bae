// Takes events from RabbitMQ, writes them to MongoDB in batches, and acknowledges them
// then.

import amqp from 'amqplib';

import { insert, isReady, openEvents } from './event.js';
import { QUEUE, revived } from './queue.js';

const BATCH = 500;
const FLUSH_MS = 1000;
const RETRY_MS = 200;

const events = await openEvents();
const connection = await amqp.connect(process.env.AMQP_URL);
const channel = await connection.createChannel();
await channel.assertQueue(QUEUE, { durable: true });
await channel.prefetch(4 * BATCH);

let waiting = [];
let timer = null;
let writing = false;

async function write() {
  clearTimeout(timer);
  timer = null;
  if (writing || waiting.length === 0) return;
  writing = true;
  const batch = waiting.splice(0, BATCH);
  const documents = batch.map((message) => revived(JSON.parse(message.content.toString())));
  for (;;) {
    try {
      await insert(events, documents);
      break;
    } catch {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  }
  // Deliveries come in their order, so the last one stands for those before it.
  channel.ack(batch.at(-1), true);
  writing = false;
  if (waiting.length >= BATCH) write();
  else if (waiting.length > 0) timer ??= setTimeout(write, FLUSH_MS);
}

await channel.consume(QUEUE, (message) => {
  waiting.push(message);
  if (waiting.length >= BATCH) write();
  else timer ??= setTimeout(write, FLUSH_MS);
});
isReady();
process.once('SIGTERM', async () => {
  await connection.close();
  process.exit(0);
});
