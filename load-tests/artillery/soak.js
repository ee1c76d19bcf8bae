'use strict';

// For hours, whatever happens in hours: sessions that are lengthened, segments
// of the journal that are recycled, memory that must not grow.

const { forward, resend, support, visit } = require('./flows.js');
const options = require('./options.js');
const { script, steady, within } = require('./scenario.js');

const shares = [[visit, 60], [forward, 15], [resend, 5], [support, 20]];

module.exports = script({
  shares,
  phases: steady(options.rate(1500), options.duration(3600), shares),
  thresholds: [['journeys.missing', 1], ...within({ p95: 100, p99: options.p99(250) })],
});
