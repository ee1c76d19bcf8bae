'use strict';

// 1,000 trackers post ten events each at the same moment, and all wait for it:
// twice as many events as the backlog takes by default, so some may be refused.

const { atOnce } = require('./flows.js');
const options = require('./options.js');
const { script, within } = require('./scenario.js');

const TRACKERS = 1000;

module.exports = script({
  shares: [[atOnce, 1]],
  phases: [{ duration: options.duration(4), arrivalCount: TRACKERS }],
  variables: { together: TRACKERS },
  thresholds: within({ p95: 3000, p99: options.p99(5000) }),
});
