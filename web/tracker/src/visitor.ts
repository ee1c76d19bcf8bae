import { consent } from "./consent";
import { attempt, read, write } from "./storage";
import { uuid } from "./uuid";

/** Where it is kept, for all tabs. */
export const KEY_OF_VISITOR = "tk_v";

/** Milliseconds without an event after which a session has ended. */
const SESSION_MS = 18e5;

/** Who is here. The names are short because they are stored. */
interface Visitor {
  /** The anonymous id. */
  a: string;
  /** The user, once known. */
  u?: string;
  /** The account. */
  g?: string;
  /** The session. */
  s?: string;
  /** The time of the newest event. */
  t?: number;
}

let here: Visitor = { a: uuid() };

const keep = (): void => {
  if (consent() == "granted") write(KEY_OF_VISITOR, JSON.stringify(here));
};

/** As all tabs know it; where nothing may be kept, as this page does. */
export const visitor = (): Visitor => {
  if (consent() == "granted") attempt(() => (here = JSON.parse(read(KEY_OF_VISITOR) as string)));
  return here;
};

/** Changes it, for all tabs where it may be kept. */
export const become = (change?: Partial<Visitor>): void => {
  here = { ...visitor(), ...change };
  keep();
};

/** Forgets all of it: another visitor, whose session begins with the next event. */
export const forget = (): void => {
  here = { a: uuid() };
  keep();
};

/** Notes that an event happens; says whether a session begins with it. */
export const touch = (): boolean => {
  const t = Date.now();
  const known = visitor();
  // Of a visitor without a session as well: no number is less than nothing.
  const begins = !(t - (known.t as number) < SESSION_MS);
  become({ t, s: begins ? uuid() : known.s });
  return begins;
};
