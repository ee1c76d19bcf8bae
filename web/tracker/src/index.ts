import { choose, startConsent } from "./consent";
import { watchDeeds, watchErrors } from "./deeds";
import { filterBy, record } from "./events";
import { leave, view, watchPages } from "./pages";
import { adopt, begin, clear, hold, letGo } from "./queue";
import { schedule, send, sendBeacons } from "./sending";
import { keys, read, write } from "./storage";
import type { Tracker } from "./types";
import { KEY_OF_VISITOR, become, forget, visitor } from "./visitor";

export type { Consent, Options, Payload, TrackedEvent, Tracker } from "./types";

/** Milliseconds after which this page looks again for what others left behind. */
const LOOK_MS = 1e4;

let hasBegun: unknown;

const adoptAll = () => adopt(schedule);

/** The page is there to be seen. */
const appear = (): void => {
  hold();
  adoptAll();
  view();
};

const start = (url: URL): void => {
  begin(url);
  appear();
  watchPages();
  watchDeeds();
  addEventListener("online", send);
  addEventListener("visibilitychange", () => document.hidden && sendBeacons());
  addEventListener("pagehide", () => {
    leave();
    letGo();
    // Of a page that is seen, the next to happen is that it is not.
    document.hidden && sendBeacons();
  });
  // Out of the cache for going back, in which no page may have a lock.
  addEventListener("pageshow", ({ persisted }) => persisted && appear());
  navigator.locks && setInterval(adoptAll, LOOK_MS);
};

/** The tracker of this page. */
export const tracker: Tracker = {
  init({ key, host, consent, errors, before }) {
    const url = new URL("events?writeKey=" + (key || ""), host);
    if (hasBegun) return;
    hasBegun = 1;
    startConsent(consent);
    filterBy(before);
    errors && watchErrors();
    document.prerendering
      ? document.addEventListener("prerenderingchange", () => start(url))
      : start(url);
  },
  track: (type, payload) => record(type, payload),
  identify(userId, traits = {}) {
    become({ u: "" + userId });
    record("identify", { traits });
  },
  group(accountId, traits = {}) {
    become({ g: "" + accountId });
    record("group", { groupId: "" + accountId, traits });
  },
  alias(userId, previousId = visitor().a) {
    become({ u: "" + userId });
    record("alias", { previousId }, previousId);
  },
  reset: forget,
  consent(choice) {
    if (choice != "granted") {
      // An id that was kept is not used any more; one that never was ends with the page.
      if (read(KEY_OF_VISITOR)) forget();
      keys("tk_").forEach((key) => write(key));
      if (choice == "denied") clear();
    }
    choose(choice);
    become();
    hold();
    schedule();
  },
  flush: send,
  get anonymousId() {
    return visitor().a;
  },
  get sessionId() {
    return visitor().s;
  },
};
