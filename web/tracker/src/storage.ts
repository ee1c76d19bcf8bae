/** What the action gives; nothing where it fails. */
export const attempt = <T>(action: () => T): T | undefined => {
  try {
    return action();
  } catch {}
};

/*
 * What is kept in this browser. Storage may be full or forbidden, and is then as if it
 * were empty: nobody who calls has to ask.
 */

export const read = (key: string): string | undefined => attempt(() => localStorage[key]);

/** Keeps a text, or forgets what was kept where there is none; says whether it did. */
export const write = (key: string, text?: string): true | undefined =>
  attempt(() => {
    text ? (localStorage[key] = text) : delete localStorage[key];
    return true;
  });

/** The keys that begin so. */
export const keys = (beginning: string): string[] =>
  attempt(() => Object.keys(localStorage).filter((key) => key.startsWith(beginning))) || [];
