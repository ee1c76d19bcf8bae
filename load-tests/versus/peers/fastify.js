// The simple durable way: a 202 once MongoDB has the events in its journal.

import Fastify from 'fastify';

import { BODY_LIMIT, insert, isReady, newest, normalize, openEvents } from './event.js';

const DURABLE = { writeConcern: { w: 1, j: true } };

const events = await openEvents();
const app = Fastify({ bodyLimit: BODY_LIMIT });
app.post('/events', async (request, reply) => {
  let documents;
  try {
    documents = normalize(request.body);
  } catch (error) {
    return reply.code(400).send({ error: error.message });
  }
  try {
    await insert(events, documents, DURABLE);
  } catch {
    return reply.code(503).header('Retry-After', '1').send({ error: 'the database is away' });
  }
  return reply.code(202).send({ eventIds: documents.map((document) => document._id) });
});
app.get('/users/:id/journey', async (request) => {
  const limit = Number(request.query.limit ?? 100);
  return { events: await newest(events, request.params.id, limit) };
});
await app.listen({ port: Number(process.env.PORT), host: '127.0.0.1' });
isReady();
process.once('SIGTERM', async () => {
  await app.close();
  process.exit(0);
});
