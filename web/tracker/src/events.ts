import { consent } from "./consent";
import { add, lose } from "./queue";
import { schedule } from "./sending";
import type { Options, Payload, TrackedEvent } from "./types";
import { uuid } from "./uuid";
import { touch, visitor } from "./visitor";

let before: Options["before"];

/** Says who may change or drop events. */
export const filterBy = (filter: Options["before"]): void => {
  before = filter;
};

/** What of the address's query may be kept: what says where somebody came from. */
export const query = (): string =>
  (location.search.match(/[?&](utm_\w+|ref)=[^&]*/g) || []).join("").replace(/^./, "?");

/** An address without its query. */
export const withoutQuery = (url?: string): string | undefined =>
  url?.match(/^[^?#]+/)?.[0];

/** Records an event. A page never fails by it: what cannot be made is counted as dropped. */
export const record = (type: string, payload?: Payload, anonymousId?: string): void => {
  if (consent() == "denied") return;
  // Who leaves after a long rest begins no session by that.
  if (type != "page_leave" && touch()) {
    record("session_start", {
      referrer: withoutQuery(document.referrer),
      ...Object.fromEntries(new URLSearchParams(query())),
      timeZone: Intl.DateTimeFormat().resolvedOptions().timeZone,
    });
  }
  const { a, u, s, g } = visitor();
  let event: TrackedEvent | null | undefined | false = {
    eventId: uuid(),
    type,
    occurredAt: Date.now(),
    anonymousId: anonymousId || a,
    userId: u,
    sessionId: s,
    accountId: g,
    // A copy: this is not the page's object to write into.
    payload: { ...payload },
  };
  try {
    if (before) event = before(event);
    if (event) add(event);
  } catch {
    lose(1);
  }
  schedule();
};
