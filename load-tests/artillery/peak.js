'use strict';

// The busiest hour: two posts of ten events to one account summary, 5,000
// requests a minute. The older system had this mix at 900 a minute (10 posts and 5
// account summaries a second); LOAD_RATE=9000 is ten times that.

const { summary, ten } = require('./flows.js');
const options = require('./options.js');
const { script, steady, within } = require('./scenario.js');

const shares = [[ten, 2], [summary, 1]];

module.exports = script({
  shares,
  phases: steady(options.rate(5000), options.duration(60), shares),
  thresholds: within({ p95: 200, p99: options.p99(500) }),
});
