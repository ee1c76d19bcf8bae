// Captures through PostHog's SDK for Node with its own settings, host and key apart.
import { setTimeout as pause } from "node:timers/promises";
import { PostHog } from "posthog-node";

const [host, key, distinctId, count] = process.argv.slice(2);
const visitor = `${distinctId}-visitor`;
const errors = [];
const posthog = new PostHog(key, { host });
posthog.on("error", (error) => errors.push(String(error)));

posthog.capture({ distinctId: visitor, event: "Viewed", properties: { path: "/pricing" } });
posthog.alias({ distinctId, alias: visitor });
posthog.identify({ distinctId, properties: { email: `${distinctId}@example.com` } });
posthog.groupIdentify({ groupType: "company", groupKey: "acme", properties: { plan: "pro" } });
for (let n = 0; n < Number(count); n++) {
  posthog.capture({ distinctId, event: "Order Placed", properties: { n, total: 12.5 } });
  await pause(10);
}
await posthog.shutdown();
console.log(JSON.stringify(errors));
