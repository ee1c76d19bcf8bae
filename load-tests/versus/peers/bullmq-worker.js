// Works off the queue in Redis, a job an event, as its guide has it.

import { Worker } from 'bullmq';
import IORedis from 'ioredis';

import { insert, isReady, openEvents } from './event.js';
import { QUEUE, revived } from './queue.js';

const events = await openEvents();
const connection = new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: null });
const worker = new Worker(QUEUE, (job) => insert(events, [revived(job.data)]), {
  connection,
  concurrency: 100,
});
await worker.waitUntilReady();
isReady();
process.once('SIGTERM', async () => {
  await worker.close();
  process.exit(0);
});
