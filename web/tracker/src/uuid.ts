const digit = () => (crypto.getRandomValues(new Uint8Array(1))[0] & 15).toString(16);

/**
 * A UUIDv7 (RFC 9562): it begins with the time, so that ids made one after the other are
 * neighbours in the database's index. `crypto.randomUUID` makes version 4 only, and only
 * on pages that came over HTTPS.
 */
export const uuid = (): string =>
  // Milliseconds have eleven digits from 2004 to 2527.
  ("0" + Date.now().toString(16) + "-7xxx-8xxx-xxxxxxxxxxxx")
    .replace(/.{8}/, "$&-")
    .replace(/x/g, digit);
