// What every peer does with a body, and where it keeps events.

import { randomUUID } from 'node:crypto';

import { MongoClient } from 'mongodb';

const MAX_EVENTS = 1000;
export const BODY_LIMIT = 4 * 1024 * 1024;

// An event as it is stored. The event's id is the document's, so that one that is sent
// twice is there once.
export function normalize(body) {
  const events = Array.isArray(body) ? body : [body];
  if (events.length === 0 || events.length > MAX_EVENTS) throw new TypeError('too many, or none');
  const receivedAt = new Date();
  return events.map((event) => normalizeOne(event, receivedAt));
}

function normalizeOne(event, receivedAt) {
  const { userId, type, eventId, accountId, sessionId, occurredAt: time, payload } = event ?? {};
  text(userId, 'userId');
  text(type, 'type');
  for (const [name, value] of Object.entries({ eventId, accountId, sessionId })) {
    if (value !== undefined) text(value, name);
  }
  if (payload !== undefined && (payload === null || typeof payload !== 'object')) {
    throw new TypeError('payload is no object');
  }
  const occurredAt = time === undefined ? receivedAt : new Date(time);
  if (Number.isNaN(occurredAt.getTime())) throw new TypeError('occurredAt is no time');
  const document = { _id: eventId ?? randomUUID(), userId, type, occurredAt, receivedAt };
  if (accountId !== undefined) document.accountId = accountId;
  if (sessionId !== undefined) document.sessionId = sessionId;
  if (payload !== undefined) document.payload = payload;
  return document;
}

function text(value, name) {
  if (typeof value !== 'string' || value.length === 0 || value.length > 256) {
    throw new TypeError(`${name} is no text of 1 to 256 characters`);
  }
}

// The collection, with the indexes that Trailkeep has: by event, by user and time, and,
// where there is one, by account.
export async function openEvents() {
  const client = await MongoClient.connect(process.env.MONGODB_URI);
  const events = client.db().collection('events');
  await events.createIndexes([
    { key: { userId: 1, occurredAt: -1 }, name: 'journey' },
    {
      key: { accountId: 1, occurredAt: 1, type: 1, userId: 1 },
      name: 'account',
      partialFilterExpression: { accountId: { $exists: true } },
    },
  ]);
  return events;
}

// Stores what is not there yet.
export async function insert(events, documents, options = {}) {
  try {
    await events.insertMany(documents, { ordered: false, ...options });
  } catch (error) {
    const failures = error.writeErrors;
    const all = Array.isArray(failures) ? failures : failures ? [failures] : [];
    if (all.length === 0 || all.some((failure) => failure.code !== 11000)) throw error;
  }
}

// A user's newest events.
export function newest(events, userId, limit) {
  return events
    .find({ userId }, { limit, batchSize: limit, sort: { occurredAt: -1 } })
    .toArray();
}

// Says to whoever started this that it takes requests.
export function isReady() {
  process.stdout.write('ready\n');
}
