'use strict';

// The forms in which trackers post events: what `POST /events` is sent as.

const { gzipSync } = require('node:zlib');

const json = { 'content-type': 'application/json' };

const wires = (events) => events.map((event) => event.wire);

module.exports = {
  /** `fetch` with one event. */
  single: ([event]) => ({ headers: json, body: JSON.stringify(event.wire) }),

  /** `fetch` with what a page has collected. */
  array: (events) => ({ headers: json, body: JSON.stringify(wires(events)) }),

  /** `navigator.sendBeacon(url, text)`, when a page is left. */
  beacon: (events) => ({
    headers: { 'content-type': 'text/plain;charset=UTF-8' },
    body: JSON.stringify({ events: wires(events), sentAt: new Date().toISOString() }),
  }),

  /** A library that saves its users' bandwidth. */
  gzip: (events) => ({
    headers: { ...json, 'content-encoding': 'gzip' },
    body: gzipSync(JSON.stringify({ events: wires(events), sentAt: new Date().toISOString() })),
  }),

  /** A server that forwards lines of a log. */
  lines: (events) => ({
    headers: { 'content-type': 'application/x-ndjson' },
    body: wires(events).map((wire) => `${JSON.stringify(wire)}\n`).join(''),
  }),
};
