// Tracks through Segment's SDK for Node with its own settings, host and key apart.
import { setTimeout as pause } from "node:timers/promises";
import { Analytics } from "@segment/analytics-node";

const [host, writeKey, userId, count] = process.argv.slice(2);
const visitor = `${userId}-visitor`;
const errors = [];
const analytics = new Analytics({ host, writeKey });
analytics.on("error", (error) => errors.push(`${error.code}: ${error.reason}`));

analytics.track({ anonymousId: visitor, event: "Viewed", properties: { path: "/pricing" } });
analytics.alias({ previousId: visitor, userId });
analytics.identify({ userId, traits: { email: `${userId}@example.com` } });
analytics.group({ userId, groupId: "acme", traits: { plan: "pro" } });
for (let n = 0; n < Number(count); n++) {
  analytics.track({ userId, event: "Order Placed", properties: { n, total: 12.5 } });
  await pause(10);
}
await analytics.closeAndFlush();
console.log(JSON.stringify(errors));
