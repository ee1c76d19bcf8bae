// Writes what a broker delivers to MongoDB in batches, and acknowledges it then.

import { insert } from './event.js';
import { revived } from './queue.js';

export const BATCH = 500;
const FLUSH_MS = 1000;
const RETRY_MS = 200;

// Takes a message at a time, whose text `read` gives; `acknowledge` gets those of a batch.
export function inBatches(events, read, acknowledge) {
  let waiting = [];
  let timer = null;
  let writing = false;

  async function write() {
    clearTimeout(timer);
    timer = null;
    if (writing || waiting.length === 0) return;
    writing = true;
    const batch = waiting.splice(0, BATCH);
    const documents = batch.map((message) => revived(JSON.parse(read(message))));
    for (;;) {
      try {
        await insert(events, documents);
        break;
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
    acknowledge(batch);
    writing = false;
    if (waiting.length >= BATCH) write();
    else if (waiting.length > 0) timer ??= setTimeout(write, FLUSH_MS);
  }

  return (message) => {
    waiting.push(message);
    if (waiting.length >= BATCH) write();
    else timer ??= setTimeout(write, FLUSH_MS);
  };
}
