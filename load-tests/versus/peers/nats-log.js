// The log in NATS, which whoever comes first makes.

import { jetstreamManager, StorageType } from '@nats-io/jetstream';
import { connect } from '@nats-io/transport-node';

import { QUEUE } from './queue.js';

export async function openLog() {
  const connection = await connect({ servers: process.env.NATS_URL });
  const manager = await jetstreamManager(connection);
  await manager.streams.add({ name: QUEUE, subjects: [QUEUE], storage: StorageType.File });
  return { connection, manager };
}
