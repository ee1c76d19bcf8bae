import { record, withoutQuery } from "./events";
import { path } from "./pages";

/** Errors of a page: one in a loop must not push out everything else. */
let errorsLeft = 20;

/** Records clicks on what has a name for it, and forms by their name; never a value. */
export const watchDeeds = (): void => {
  addEventListener(
    "click",
    ({ target }) => {
      const button = (target as Element).closest?.<HTMLElement>("[data-tk]")?.dataset.tk;
      button && record("button_click", { button, path });
    },
    true,
  );
  addEventListener(
    "submit",
    ({ target }) => {
      // Not `target.name`: that may be a field of that name.
      const form = (target as Element).getAttribute("name");
      form && record("form_submit", { form, path });
    },
    true,
  );
};

/** Records errors of scripts that nobody caught. */
export const watchErrors = (): void => {
  const fail = (reason: unknown, file?: string, line?: number) => {
    if (errorsLeft-- > 0) {
      record("error", { message: "" + reason, file: withoutQuery(file), line, path });
    }
  };
  addEventListener("error", (event) => fail(event.message, event.filename, event.lineno));
  addEventListener("unhandledrejection", ({ reason }) => fail(reason?.message || reason));
};
