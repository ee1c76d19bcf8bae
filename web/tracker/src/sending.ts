import { consent } from "./consent";
import { MOST_BYTES, address, bytes, lose, save, waiting } from "./queue";

/** Events of a request. */
const MOST_EVENTS = 100;

/** That many events are sent without waiting for more. */
const ENOUGH = 20;

const SECOND = 1e3;

/** Milliseconds after which a request without an answer has failed. */
const PATIENCE = 3e4;

let timer: unknown;

/** What is under way. */
let flying: string[] = [];

/** How often sending failed in a row. */
let failures = 0;

/** Events of the next request: fewer where one was too large. */
let most = MOST_EVENTS;

/** The first of these events that fit into a request, one at the least. */
const batch = (events: string[]): string[] => {
  let room = MOST_BYTES;
  return events.slice(0, most || 1).filter((event) => (room -= bytes(event) + 1) > -2);
};

const envelope = (events: string[]): string =>
  `{"events":[${events}],"sentAt":${Date.now()}}`;

const maySend = (): unknown => waiting[0] && address && /gr|no/.test(consent());

/** Sends what waits, unless something is under way. */
export const send = async (): Promise<void> => {
  clearTimeout(timer as number);
  timer = 0;
  if (flying[0] || !maySend()) return;
  flying = batch(waiting);
  let gone: string[] = [];
  // What did not fit in is sent as soon as this is answered.
  let wait = +(waiting.length > flying.length);
  let status = 0;
  try {
    const answer = await fetch(address as URL, {
      method: "POST",
      body: envelope(flying),
      keepalive: true,
      signal: AbortSignal.timeout?.(PATIENCE),
    });
    status = answer.status;
    wait = SECOND * (answer.headers.get("retry-after") as any) || wait;
    if (answer.ok) gone = flying;
    if (status == 400) {
      const { errors } = await answer.json();
      gone = flying.filter((_, at) => errors.some((fault: any) => fault.index == at));
    }
  } catch {}
  // Of a request that is too large half is sent; an event that is too large alone, never.
  most = status == 413 ? flying.length >> 1 : MOST_EVENTS;
  if (!most) gone = flying;
  flying = [];
  if (gone[0] || status == 413) {
    failures = 0;
    lose(status < 300 ? 0 : gone.length, gone);
    save();
  } else {
    // Drawn at random, or all pages that lost the service come back at once.
    wait = Math.max(wait, SECOND * (1 + Math.random() * Math.min(59, 2 ** failures++)));
  }
  schedule(wait);
};

/** Sends when enough events wait or the oldest has waited long enough. */
export const schedule = (wait = 0): void => {
  // What is under way says how long the next one is to wait.
  if (flying[0] || !maySend()) return;
  if (!wait && !failures && waiting.length >= ENOUGH) {
    send();
  } else {
    timer ||= setTimeout(send, wait || SECOND);
  }
};

/**
 * Sends by what outlives the page. Nothing is forgotten by it, for nobody is told whether it
 * arrives: the next page sends it again, and the service knows it by its ids. A service that
 * asked for patience has it.
 */
export const sendBeacons = (): void => {
  if (failures || !maySend()) return;
  let rest = waiting.filter((event) => !flying.includes(event));
  for (
    let events;
    (events = batch(rest))[0] && navigator.sendBeacon(address as URL, envelope(events));
    rest = rest.slice(events.length)
  );
};
