'use strict';

// More than there is room for: the runner holds the database and has the
// backlog small, so that posts are refused until it lets go. Only 202 and 503
// may be answered, and both at once: whoever is refused must not wait for it.

const { insist } = require('./flows.js');
const options = require('./options.js');
const { occur, script, steady, within } = require('./scenario.js');

const shares = [[insist, 1]];

module.exports = script({
  shares,
  phases: steady(options.rate(1800), options.duration(60), shares),
  thresholds: [...occur(202, 503), ...within({ p95: 200, p99: options.p99(500) })],
});
