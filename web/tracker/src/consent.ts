import { read, write } from "./storage";
import type { Consent } from "./types";

/** Where the visitor's choice is kept: the word alone. */
const KEY = "tk_c";

/** What holds where no choice is kept; nothing before the start. */
let byDefault: Consent | undefined;

/** What is in force now; another tab may have changed it. */
export const consent = (): Consent =>
  (byDefault && (read(KEY) as Consent)) || byDefault || "pending";

/**
 * From now on the visitor's choice counts, else what the page says. Global Privacy
 * Control is a visitor's no, which only a yes to this very site can take back.
 */
export const startConsent = (ofPage?: Consent): void => {
  byDefault ||= navigator.globalPrivacyControl ? "denied" : ofPage || "granted";
};

/** The visitor's choice, which lasts; `pending` is none. */
export const choose = (choice: Consent): void => {
  byDefault = choice;
  if (choice != "pending") write(KEY, choice);
};
