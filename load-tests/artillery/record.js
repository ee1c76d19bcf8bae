'use strict';

// The record of a run: what was sent, and what was answered, as lines of JSON
// in the file that LOAD_RECORD names. The runner compares it with the store.
//
//   {"batch": 7, "events": [["user", "event id or null"], ...]}   before it is sent
//   {"batch": 7, "status": 202, "eventIds": [...], "at": ms}      when it is answered
//
// A batch without a second line was not answered.

const fs = require('node:fs');
const { threadId } = require('node:worker_threads');

let file;
let batches = 0;

function write(line) {
  if (!process.env.LOAD_RECORD) return;
  file ??= fs.openSync(process.env.LOAD_RECORD, 'a');
  fs.writeSync(file, `${JSON.stringify(line)}\n`);
}

/** Notes a batch that is about to be sent, and returns its name. */
function sent(events) {
  batches += 1;
  const batch = `${threadId}-${batches}`;
  write({ batch, events: events.map(({ user, id }) => [user, id]) });
  return batch;
}

/** Notes what a batch was answered; only a 202 has ids. */
function answered(batch, status, eventIds) {
  write({ batch, status, eventIds, at: Date.now() });
}

module.exports = { sent, answered };
