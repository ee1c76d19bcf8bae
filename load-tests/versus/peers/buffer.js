// A bounded buffer in memory that is written in batches: of 500 events, or of what is
// there after a second.

import { insert } from './event.js';

const CAPACITY = 5000;
const BATCH = 500;
const FLUSH_MS = 1000;
const RETRY_MS = 200;

export class Buffer {
  #events;
  #waiting = [];
  #writing = null;
  #timer = null;

  constructor(events) {
    this.#events = events;
  }

  // Whether there was room for all of them.
  add(documents) {
    if (this.#waiting.length + documents.length > CAPACITY) return false;
    this.#waiting.push(...documents);
    if (this.#waiting.length >= BATCH) {
      this.#write();
    } else {
      this.#timer ??= setTimeout(() => this.#write(), FLUSH_MS);
    }
    return true;
  }

  async drain() {
    while (this.#writing !== null || this.#waiting.length > 0) {
      this.#write();
      await this.#writing;
    }
  }

  #write() {
    clearTimeout(this.#timer);
    this.#timer = null;
    this.#writing ??= this.#writeAll().finally(() => {
      this.#writing = null;
    });
  }

  async #writeAll() {
    do {
      const batch = this.#waiting.slice(0, BATCH);
      await this.#store(batch);
      this.#waiting.splice(0, batch.length);
    } while (this.#waiting.length >= BATCH);
    if (this.#waiting.length > 0) this.#timer ??= setTimeout(() => this.#write(), FLUSH_MS);
  }

  async #store(batch) {
    for (;;) {
      try {
        return await insert(this.#events, batch);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
      }
    }
  }
}
