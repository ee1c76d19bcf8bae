'use strict';

// The flows that scenarios are put together from. `requests` says how many
// requests a virtual user makes, so that a scenario can keep to a rate.

const post = (hook, name, answer = 'noteAccepted') => ({
  post: { url: '/events', name, beforeRequest: hook, afterResponse: answer },
});

const asStaff = { authorization: 'Bearer {{ token }}' };

const journey = (query, answer = 'afterRead') => ({
  get: {
    url: `/users/USER/journey${query}`,
    name: 'journey',
    headers: asStaff,
    beforeRequest: 'readJourney',
    afterResponse: answer,
  },
});

/** Somebody looks around on a page, and leaves it. */
const visit = {
  name: 'visit',
  requests: 4,
  flow: [
    post('postStart', 'single'),
    { think: 1 },
    post('postPage', 'batch'),
    { think: 1 },
    post('postGzip', 'gzip'),
    { think: 1 },
    post('postLeaving', 'beacon'),
  ],
};

/** A server forwards a log. */
const forward = { name: 'forward', requests: 1, flow: [post('postLines', 'lines')] };

/** A tracker that lost the answer sends the same events again. */
const resend = {
  name: 'resend',
  requests: 2,
  flow: [post('postTen', 'batch'), post('postAgain', 'again')],
};

/** Support looks at what a caller did a moment ago, then at more of it. */
const support = {
  name: 'support',
  requests: 3,
  flow: [
    post('postPage', 'batch'),
    journey('?limit=100', 'seesWhatWasPosted'),
    journey('?limit=1000&order=asc&type=page_view&type=purchase'),
  ],
};

/** Ten events in one post, and nothing else. */
const ten = { name: 'ten', requests: 1, flow: [post('postTen', 'batch')] };

/** A dashboard asks for an account. */
const summary = {
  name: 'summary',
  requests: 1,
  flow: [
    {
      get: {
        url: '/accounts/ACCOUNT/summary?window=last_24h',
        name: 'summary',
        headers: asStaff,
        beforeRequest: 'readSummary',
        afterResponse: 'afterRead',
      },
    },
  ],
};

/** Everybody has waited for this moment. */
const atOnce = {
  name: 'at-once',
  requests: 1,
  flow: [{ function: 'together' }, post('postTen', 'batch', 'noteAcceptedOrRefused')],
};

/** A tracker that is refused sends again a moment later, once. */
const insist = {
  name: 'insist',
  requests: 1,
  flow: [
    post('postTen', 'batch', 'noteAcceptedOrRefused'),
    { think: 2 },
    {
      post: {
        url: '/events',
        name: 'again',
        ifTrue: 'wasRefused',
        beforeRequest: 'postAgain',
        afterResponse: 'noteAcceptedOrRefused',
      },
    },
  ],
};

module.exports = { visit, forward, resend, support, ten, summary, atOnce, insist };
