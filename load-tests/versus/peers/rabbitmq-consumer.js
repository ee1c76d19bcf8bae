// Takes events from RabbitMQ and writes them to MongoDB.

import amqp from 'amqplib';

import { BATCH, inBatches } from './batches.js';
import { isReady, openEvents } from './event.js';
import { QUEUE } from './queue.js';

const events = await openEvents();
const connection = await amqp.connect(process.env.AMQP_URL);
const channel = await connection.createChannel();
await channel.assertQueue(QUEUE, { durable: true });
await channel.prefetch(4 * BATCH);
const take = inBatches(
  events,
  (message) => message.content.toString(),
  // Deliveries come in their order, so the last one stands for those before it.
  (batch) => channel.ack(batch.at(-1), true),
);
await channel.consume(QUEUE, take);
isReady();
process.once('SIGTERM', async () => {
  await connection.close();
  process.exit(0);
});
