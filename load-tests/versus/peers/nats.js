// A log between: a 202 once NATS has each event in its stream.

import { jetstream } from '@nats-io/jetstream';

import { openEvents } from './event.js';
import { serve } from './http.js';
import { openLog } from './nats-log.js';
import { QUEUE } from './queue.js';

const events = await openEvents();
const { connection } = await openLog();
const log = jetstream(connection);

async function take(documents) {
  try {
    await Promise.all(documents.map((document) => log.publish(QUEUE, JSON.stringify(document))));
    return true;
  } catch {
    return false;
  }
}

serve(events, take, () => connection.drain());
