import { query, record } from "./events";

/** The page that was seen last, by its path. */
export let path: string | undefined;
let since: number;

/** Records that the page was left, once. */
export const leave = (): void => {
  path && record("page_leave", { path, durationMs: Date.now() - since });
  path = "";
};

/** Records that a page is seen, unless it is the one that was seen before. */
export const view = (): void => {
  const { pathname } = location;
  if (pathname == path) return;
  leave();
  path = pathname;
  since = Date.now();
  record("page_view", { path, url: location.origin + path + query() });
};

/** Sees the pages that follow without a load. */
export const watchPages = (): void => {
  if (window.navigation) {
    window.navigation.addEventListener("currententrychange", view);
    return;
  }
  addEventListener("popstate", view);
  for (const name of ["pushState", "replaceState"] as const) {
    const change = history[name];
    history[name] = (...state) => {
      change.apply(history, state);
      view();
    };
  }
};
