// The routes of a peer on Express: what takes events is its own.

import express from 'express';

import { BODY_LIMIT, isReady, newest, normalize } from './event.js';

// Serves until SIGTERM; `take` answers whether the documents were taken, `end` stores
// what is left.
export function serve(events, take, end) {
  const app = express();
  app.disable('x-powered-by');
  app.use(express.json({ limit: BODY_LIMIT }));
  app.post('/events', async (request, response) => {
    let documents;
    try {
      documents = normalize(request.body);
    } catch (error) {
      return response.status(400).json({ error: error.message });
    }
    if (!(await take(documents))) {
      return response.set('Retry-After', '1').status(503).json({ error: 'busy' });
    }
    return response.status(202).json({ eventIds: documents.map((document) => document._id) });
  });
  app.get('/users/:id/journey', async (request, response) => {
    const limit = Number(request.query.limit ?? 100);
    response.json({ events: await newest(events, request.params.id, limit) });
  });
  const server = app.listen(Number(process.env.PORT), '127.0.0.1', isReady);
  process.once('SIGTERM', async () => {
    server.close();
    server.closeIdleConnections();
    await end();
    process.exit(0);
  });
}
