'use strict';

// Events as different trackers write them: each has its own names for the
// fields and its own way to write times and ids.

const { randomBytes, randomInt } = require('node:crypto');

const RUN = process.env.LOAD_RUN || `r${Date.now().toString(36)}`;

/** Few users have most of the events, as everywhere. */
const USERS = 2000;
const ACCOUNTS = 20;

const TYPES = [
  ['page_view', () => ({ path: pick(['/', '/pricing', '/blog/load-tests', '/cart']), width: pick([390, 1440, 1920]) })],
  ['page_view', () => ({ path: `/products/${randomInt(5000)}`, referrer: 'https://www.example.org/search' })],
  ['button_click', () => ({ button: pick(['buy', 'menu', 'newsletter']), x: randomInt(1440), y: randomInt(900) })],
  ['search', () => ({ query: pick(['socks', 'größe 42', '靴下', 'wool "merino"']), results: randomInt(200) })],
  ['add_to_cart', () => ({ sku: `sku-${randomInt(5000)}`, quantity: 1 + randomInt(3), price: randomInt(20000) / 100 })],
  ['purchase', () => ({ total: randomInt(90000) / 100, currency: 'EUR', items: [{ sku: `sku-${randomInt(5000)}`, quantity: 1 }] })],
  ['video_play', () => ({ video: `v-${randomInt(100)}`, position: randomInt(600) / 10 })],
];

const BROWSERS = [
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Safari/537.36',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:133.0) Gecko/20100101 Firefox/133.0',
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 Mobile Safari/537.36',
];

/** By the name of each tracker: an event in its words. */
const DIALECTS = {
  own: ({ user, session, account, type, payload, at, id }) => ({
    userId: user, sessionId: session, accountId: account, type, payload, occurredAt: at.toISOString(), eventId: id,
  }),
  snake: ({ user, session, account, type, payload, at, id }) => ({
    user_id: user, session_id: session, account_id: account, event: type, properties: payload,
    timestamp: withOffset(at), event_id: id,
  }),
  distinct: ({ user, session, type, payload, at, id }) => ({
    distinctId: user, sessionId: session, event: type, properties: payload, ts: at.getTime(), messageId: id,
  }),
  clinic: ({ user, session, type, payload, at, id }) => ({
    patientId: user, session_id: session, type, metadata: payload, timestamp: at.toISOString(), eventId: id,
  }),
};

function pick(list) {
  return list[randomInt(list.length)];
}

/** An RFC 3339 time of another time zone. */
function withOffset(at) {
  return new Date(at.getTime() + 3_600_000).toISOString().replace('Z', '+01:00');
}

function uuidV7(at) {
  const bytes = randomBytes(16);
  bytes.writeUIntBE(at.getTime(), 0, 6);
  bytes[6] = 0x70 | (bytes[6] & 0x0f);
  bytes[8] = 0x80 | (bytes[8] & 0x3f);
  const hex = bytes.toString('hex');
  return [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20), hex.slice(20)].join('-');
}

/** One person's visit, seen through one browser and one tracker. */
function visitor() {
  const number = Math.floor(USERS * (randomInt(1_000_000) / 1_000_000) ** 3);
  return {
    user: `${RUN}-u${number}`,
    session: `${RUN}-s${randomBytes(6).toString('hex')}`,
    account: number % 4 === 0 ? undefined : `${RUN}-a${number % ACCOUNTS}`,
    dialect: pick(Object.keys(DIALECTS)),
    browser: pick(BROWSERS),
  };
}

/**
 * So many events of a visitor, a little apart. `named: false` leaves their ids
 * to the service. Each is `{user, id, wire}`; `id` is null where it has none.
 */
function events(who, count, { first, named = true } = {}) {
  const now = Date.now();
  return Array.from({ length: count }, (_, index) => {
    const at = new Date(now - (count - index) * 150);
    const [type, payload] = index === 0 && first ? [first, () => ({ landing: '/' })] : pick(TYPES);
    const id = named ? uuidV7(at) : undefined;
    const wire = DIALECTS[who.dialect]({ ...who, type, payload: payload(), at, id });
    return { user: who.user, id: id ?? null, wire };
  });
}

module.exports = { visitor, events, someAccount: () => `${RUN}-a${1 + randomInt(3)}` };
