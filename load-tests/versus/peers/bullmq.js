// A queue in Redis: a 202 once the events are in it.

import { Queue } from 'bullmq';
import IORedis from 'ioredis';

import { openEvents } from './event.js';
import { serve } from './http.js';
import { QUEUE } from './queue.js';

const events = await openEvents();
const connection = new IORedis(process.env.REDIS_URL, { maxRetriesPerRequest: 1 });
const queue = new Queue(QUEUE, { connection });
const OPTIONS = { removeOnComplete: true, attempts: 1000, backoff: 200 };

async function take(documents) {
  try {
    await queue.addBulk(documents.map((data) => ({ name: 'event', data, opts: OPTIONS })));
    return true;
  } catch {
    return false;
  }
}

serve(events, take, () => queue.close());
