'use strict';

// From flows and limits to what Artillery runs.

/** Signs in once for all virtual users: the session is `{{ token }}`. */
const signIn = {
  flow: [
    {
      post: {
        url: '/api/auth/sign-in/email',
        json: { email: '{{ $env.LOAD_EMAIL }}', password: '{{ $env.LOAD_PASSWORD }}' },
        capture: { json: '$.session.token', as: 'token' },
      },
    },
  ],
};

/** One phase with so many requests a minute, spread evenly over its seconds. */
function steady(rate, duration, shares) {
  const weights = shares.reduce((sum, [, weight]) => sum + weight, 0);
  const requests = shares.reduce((sum, [flow, weight]) => sum + flow.requests * weight, 0);
  const users = (rate / 60) * duration * (weights / requests);
  return [{ duration, arrivalCount: Math.max(1, Math.round(users)) }];
}

/**
 * A script for Artillery.
 *
 * - `shares`: `[flow, weight]`, by how many virtual users follow which flow.
 * - `phases`: as Artillery has them.
 * - `thresholds`: `[metric, what it has to stay below]`. A metric that the run
 *   did not have fails as well.
 */
function script({ shares, phases, thresholds, variables = {} }) {
  return {
    config: {
      target: process.env.LOAD_TARGET || 'http://localhost:3000',
      http: { timeout: 15 },
      phases,
      variables,
      processor: './tracker.js',
      plugins: { ensure: {}, 'metrics-by-endpoint': { useOnlyRequestNames: true } },
      ensure: {
        // Virtual users that did not come to their end: no answer, no connection.
        maxErrorRate: 0,
        thresholds: [['answers.unexpected', 1], ...thresholds].map(([metric, below]) => ({ [metric]: below })),
      },
    },
    before: signIn,
    scenarios: shares.map(([{ name, flow }, weight]) => ({ name, weight, flow })),
  };
}

/** Answers come within so many milliseconds. */
function within({ p95, p99 }) {
  return [
    ['http.response_time.p95', p95],
    ['http.response_time.p99', p99],
  ];
}

/** There is at least one answer with each of these statuses: see `thresholds`. */
function occur(...statuses) {
  return statuses.map((status) => [`http.codes.${status}`, Number.MAX_SAFE_INTEGER]);
}

module.exports = { script, steady, within, occur };
