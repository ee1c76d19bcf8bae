'use strict';

// An ordinary day: 500 requests a minute of every kind.

const { forward, resend, support, visit } = require('./flows.js');
const options = require('./options.js');
const { script, steady, within } = require('./scenario.js');

const shares = [[visit, 60], [forward, 15], [resend, 5], [support, 20]];

module.exports = script({
  shares,
  phases: steady(options.rate(500), options.duration(60), shares),
  thresholds: [['journeys.missing', 1], ...within({ p95: 100, p99: options.p99(250) })],
});
