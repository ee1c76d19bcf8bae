// A broker between: a 202 once RabbitMQ has confirmed each event, on its disk.

import amqp from 'amqplib';

import { openEvents } from './event.js';
import { serve } from './http.js';
import { QUEUE } from './queue.js';

const events = await openEvents();
const connection = await amqp.connect(process.env.AMQP_URL);
const channel = await connection.createConfirmChannel();
await channel.assertQueue(QUEUE, { durable: true });

function publish(document) {
  return new Promise((resolve, reject) => {
    const content = globalThis.Buffer.from(JSON.stringify(document));
    const options = { persistent: true, contentType: 'application/json' };
    channel.sendToQueue(QUEUE, content, options, (error) => (error ? reject(error) : resolve()));
  });
}

async function take(documents) {
  try {
    await Promise.all(documents.map(publish));
    return true;
  } catch {
    return false;
  }
}

serve(events, take, () => connection.close());
