'use strict';

// What Artillery calls while a scenario runs. A visitor belongs to a virtual
// user; each step that posts says what it posts by a hook of its own.

const forms = require('./forms.js');
const record = require('./record.js');
const { events, someAccount, visitor } = require('./events.js');

// --- what is sent

/** Puts a batch into a request and notes it. */
function put(request, context, batch, form) {
  const who = context.vars.visitor;
  const { headers, body } = forms[form](batch);
  request.headers = { ...request.headers, ...headers, 'user-agent': who.browser };
  request.body = body;
  context.vars.last = { batch, form };
  context.vars.note = record.sent(batch);
}

/** A hook that posts new events of this virtual user's visitor. */
function posts(form, count, options) {
  return (request, context, _events, done) => {
    context.vars.visitor ??= visitor();
    put(request, context, events(context.vars.visitor, count, options), form);
    done();
  };
}

/** Posts the last batch once more, as a tracker does that got no 202. */
function postAgain(request, context, _events, done) {
  const { batch, form } = context.vars.last;
  put(request, context, batch, form);
  done();
}

function wasRefused(vars) {
  return vars.status !== 202;
}

// --- what is read

/** The journey of whoever this virtual user posted for, else of anybody. */
function readJourney(request, context, _events, done) {
  const { user } = (context.vars.visitor ??= visitor());
  request.url = request.url.replace('USER', encodeURIComponent(user));
  done();
}

function readSummary(request, _context, _events, done) {
  request.url = request.url.replace('ACCOUNT', someAccount());
  done();
}

// --- what is answered

/** Counts answers that are not among the expected ones; 0 makes the counter. */
function expects(...statuses) {
  return (response, events) => {
    const isExpected = statuses.includes(response.statusCode);
    events.emit('counter', 'answers.unexpected', isExpected ? 0 : 1);
    if (!isExpected) events.emit('counter', `answers.unexpected.${response.statusCode}`, 1);
  };
}

const accepted = expects(202);
const acceptedOrRefused = expects(202, 503);
const read = expects(200);

/** Notes the answer to a batch. */
function noteAnswer(check) {
  return (_request, response, context, events, done) => {
    const { statusCode: status } = response;
    const ids = status === 202 ? JSON.parse(response.body).eventIds : undefined;
    record.answered(context.vars.note, status, ids);
    context.vars.status = status;
    context.vars.lastIds = ids;
    check(response, events);
    done();
  };
}

function afterRead(_request, response, _context, events, done) {
  read(response, events);
  done();
}

/** What was accepted a moment ago is in the journey. */
function seesWhatWasPosted(_request, response, context, events, done) {
  read(response, events);
  const ids = context.vars.lastIds;
  if (response.statusCode === 200 && ids) {
    const seen = new Set(JSON.parse(response.body).events.map((event) => event.eventId));
    events.emit('counter', 'journeys.missing', ids.filter((id) => !seen.has(id)).length);
  }
  done();
}

// --- all at once

let waiting = [];

/** Holds virtual users back until so many are there, then lets all go. */
function together(context, _events, done) {
  waiting.push(done);
  if (waiting.length === Number(context.vars.together)) {
    const all = waiting;
    waiting = [];
    for (const go of all) go();
  }
}

module.exports = {
  postStart: posts('single', 1, { first: 'session_start' }),
  postPage: posts('array', 5),
  postTen: posts('array', 10),
  postGzip: posts('gzip', 20),
  postLines: posts('lines', 25),
  postLeaving: posts('beacon', 2, { named: false }),
  postAgain,
  wasRefused,
  readJourney,
  readSummary,
  noteAccepted: noteAnswer(accepted),
  noteAcceptedOrRefused: noteAnswer(acceptedOrRefused),
  afterRead,
  seesWhatWasPosted,
  together,
};
