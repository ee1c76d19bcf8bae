/** What a visitor has agreed to. */
export type Consent =
  /** Events are kept in this browser until they are answered, under an id that lasts. */
  | "granted"
  /** Nobody has answered yet: events wait in memory; nothing is stored or sent. */
  | "pending"
  /** Nothing is recorded, and what was kept is removed. */
  | "denied"
  /** Events are sent, with ids that end with the page; nothing but the choice is stored. */
  | "none";

/** Data of an event: what JSON can say, at most 32 KiB of it. */
export type Payload = Record<string, unknown>;

/** An event as it is sent. */
export interface TrackedEvent {
  /** A UUIDv7. An event that is sent again is known by it, and stored once. */
  eventId: string;
  type: string;
  /** Milliseconds since the epoch, by this device's clock. */
  occurredAt: number;
  anonymousId: string;
  userId?: string;
  sessionId?: string;
  accountId?: string;
  payload: Payload;
}

export interface Options {
  /** The write key of the site; none where the service asks for none. */
  key?: string;
  /**
   * The address that `events` is below, with a slash at its end:
   * `https://trail.example.com/`. The script tag's default is the script's own folder.
   */
  host: string;
  /** What holds until the visitor has chosen; `granted` where it is left out. */
  consent?: Consent;
  /** Whether errors of scripts are recorded; `data-errors` on the script tag is a yes. */
  errors?: boolean | string;
  /** Changes an event before it is kept, or drops it by returning nothing. */
  before?: (event: TrackedEvent) => TrackedEvent | null | undefined | false;
}

export interface Tracker {
  /** Starts. The script does it itself; of several calls the first one counts. */
  init(options: Options): void;
  /** Records an event of a type of 1 to 64 bytes. */
  track(type: string, payload?: Payload): void;
  /** Says who the visitor is, from now on and in what this browser did before. */
  identify(userId: string | number, traits?: Payload): void;
  /** Says which business customer the visitor belongs to. */
  group(accountId: string | number, traits?: Payload): void;
  /** Says that a visitor known by another id, by default this browser's, is this user. */
  alias(userId: string | number, previousId?: string): void;
  /** Forgets who the visitor is, as when signing out: a new visitor begins. */
  reset(): void;
  /** Takes the visitor's choice, which lasts. */
  consent(choice: Consent): void;
  /** Sends what waits, now; resolves when that was answered or has failed. */
  flush(): Promise<void>;
  /** Under which this browser is known. */
  readonly anonymousId: string;
  /** The session; none before the first event. */
  readonly sessionId: string | undefined;
}

/** What the page may not know yet of browsers. */
declare global {
  interface Navigator {
    /** Global Privacy Control: the visitor's no to being tracked. */
    readonly globalPrivacyControl?: boolean;
  }
  interface Document {
    readonly prerendering?: boolean;
  }
}
