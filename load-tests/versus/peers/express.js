// The older design: a buffer in memory, written to MongoDB in batches.

import { Buffer } from './buffer.js';
import { openEvents } from './event.js';
import { serve } from './http.js';

const events = await openEvents();
const buffer = new Buffer(events);
serve(events, (documents) => buffer.add(documents), () => buffer.drain());
