// What a collector and whoever writes to MongoDB share.

export const QUEUE = 'events';

// An event whose times were texts in between.
export function revived(document) {
  document.occurredAt = new Date(document.occurredAt);
  document.receivedAt = new Date(document.receivedAt);
  return document;
}
