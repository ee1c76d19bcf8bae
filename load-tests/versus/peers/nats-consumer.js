// Takes events from NATS and writes them to MongoDB.

import { AckPolicy, jetstream } from '@nats-io/jetstream';
import { nanos } from '@nats-io/transport-node';

import { BATCH, inBatches } from './batches.js';
import { isReady, openEvents } from './event.js';
import { openLog } from './nats-log.js';
import { QUEUE } from './queue.js';

const WRITER = 'writer';
// After which what a killed one had taken is delivered again.
const ACK_WAIT_MS = 2000;

const events = await openEvents();
const { connection, manager } = await openLog();
await manager.consumers.add(QUEUE, {
  durable_name: WRITER,
  ack_policy: AckPolicy.Explicit,
  ack_wait: nanos(ACK_WAIT_MS),
  max_ack_pending: 4 * BATCH,
});
const consumer = await jetstream(connection).consumers.get(QUEUE, WRITER);
// Each by itself: what a killed one had taken comes again after what is new.
const take = inBatches(
  events,
  (message) => message.string(),
  (batch) => batch.forEach((message) => message.ack()),
);
await consumer.consume({ max_messages: 4 * BATCH, callback: take });
isReady();
process.once('SIGTERM', async () => {
  await connection.close();
  process.exit(0);
});
