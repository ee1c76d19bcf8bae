/*
 * What a script tag loads. It starts by itself, with the `data-` attributes of its tag as
 * options, and then does what pages asked of the stub before it was there.
 */
import { tracker } from "./index";
import type { Options, Tracker } from "./types";

/** What stands in a page until the script is there: a list of calls. */
interface Stub {
  q?: [keyof Tracker, ...unknown[]][];
}

const page = window as unknown as { trailkeep?: Stub & Partial<Tracker> };
const stub = page.trailkeep;
const { src, dataset } = document.currentScript as HTMLScriptElement;
const tag: Options = { host: src, ...dataset };

// A second copy, of a tag manager for instance, would record everything twice.
if (!stub || stub.q) {
  const calls = stub?.q || [];
  const { init } = tracker;
  tracker.init = (options) => init({ ...tag, ...options });
  page.trailkeep = tracker;
  // A page that starts it with options of its own does so before anything else.
  if (calls[0]?.[0] != "init") tracker.init({} as Options);
  for (const [name, ...values] of calls) (tracker[name] as (...values: unknown[]) => void)(...values);
}
