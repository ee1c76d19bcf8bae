import { consent } from "./consent";
import { attempt, keys, read, write } from "./storage";
import type { TrackedEvent } from "./types";
import { uuid } from "./uuid";

/*
 * Events from their making to their answer. They are kept under a key of this page's own,
 * whose name is locked for as long as the page lives: what lies under a key that nobody
 * locks was left behind, and is adopted by whoever finds it.
 */

/** Bytes of an event, and of a request: a browser gives 64 KiB to what outlives a page. */
export const MOST_BYTES = 6e4;

const MOST_EVENTS = 1e3;
const MOST_CHARACTERS = 2e6 - MOST_BYTES;
/** A week. */
const MOST_MS = 6048e5;

const BEGINNING = "tk_q";
const own = BEGINNING + uuid();

/** The events that wait, as JSON, the oldest first. */
export let waiting: string[] = [];

/** Where events are sent. Nothing is kept before: a page that is prerendered may never be seen. */
export let address: URL | undefined;

/** Events that were dropped, and that no event tells of yet. */
let dropped = 0;

let isSaving: unknown;
let release: (() => void) | undefined;

export const bytes = (text: string): number => new Blob([text]).size;

/** Keeps what waits, where it may be; says whether it did. */
export const save = (): unknown => {
  isSaving = 0;
  return address && consent() == "granted" && write(own, waiting.join("\n"));
};

/** Drops the oldest events until there is room for one more. */
const makeRoom = (): void => {
  for (const text of waiting) {
    const { occurredAt, payload } = JSON.parse(text);
    if (
      waiting.length < MOST_EVENTS &&
      `${waiting}`.length < MOST_CHARACTERS &&
      !(occurredAt < Date.now() - MOST_MS)
    ) {
      return;
    }
    // What it told of is told by another.
    lose(1 + (payload.trackerDropped || 0), [text]);
  }
};

/** Forgets events: those that were answered, and those that are given up, with their number. */
export const lose = (count: number, gone: string[] = []): void => {
  dropped += count;
  waiting = waiting.filter((event) => !gone.includes(event));
};

/** Puts an event last, and has it tell how many were dropped before it. */
export const add = (event: TrackedEvent): void => {
  makeRoom();
  event.payload.trackerDropped = dropped || undefined;
  const text = JSON.stringify(event);
  if (bytes(text) > MOST_BYTES) {
    lose(1);
  } else {
    dropped = 0;
    waiting.push(text);
    // Of many events of one task, all are kept at once, at its end.
    isSaving ||= queueMicrotask(save) ?? 1;
  }
};

/** Forgets all that waits. */
export const clear = (): void => {
  waiting = [];
};

/** Runs something under a lock. Pages that came by HTTP have none: there all are free. */
const locked = (key: string, options: LockOptions, run: (lock: unknown) => any): unknown =>
  navigator.locks ? navigator.locks.request(key, options, run) : run(1);

/** Takes on what pages left behind that are gone. */
export const adopt = (then: () => void): void => {
  for (const key of keys(BEGINNING)) {
    key == own ||
      locked(key, { ifAvailable: true }, (lock) =>
        attempt(() => {
          if (!lock || consent() != "granted") return;
          const left = (read(key) as string).split("\n");
          write(key);
          waiting = [...left, ...waiting];
          makeRoom();
          save();
          then();
        }),
      );
  }
};

/** Keeps events from now on, for this address. */
export const begin = (url: URL): void => {
  address = url;
};

/** Keeps what waits, and locks this page's key where it may be kept. */
export const hold = (): void => {
  // Where nothing is kept there is nothing to hold.
  if (save() && !release) {
    locked(own, {}, () => new Promise<void>((resolve) => (release = resolve)));
  }
};

/** Lets go of it: the page ends, or rests in a cache that takes no page with a lock. */
export const letGo = (): void => {
  release?.();
  release = undefined;
};
