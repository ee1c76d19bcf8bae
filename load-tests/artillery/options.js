'use strict';

// What the runner tells a scenario, by the environment. Each scenario has
// defaults of its own.

function number(name, fallback) {
  const text = process.env[name];
  if (text === undefined || text === '') return fallback;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`${name} is "${text}" and has to be a number above 0`);
  return value;
}

module.exports = {
  /** Requests a minute. */
  rate: (fallback) => number('LOAD_RATE', fallback),
  /** Seconds. */
  duration: (fallback) => number('LOAD_DURATION', fallback),
  /** Milliseconds that 99 % of all answers may take at the most. */
  p99: (fallback) => number('LOAD_P99', fallback),
};
