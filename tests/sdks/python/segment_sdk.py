"""Tracks through Segment's SDK for Python with its own settings, host and key apart."""

import json
import sys
import time

import segment.analytics as analytics

host, key, user, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
visitor = user + "-visitor"
errors = []
analytics.host = host
analytics.write_key = key
analytics.on_error = lambda error, events: errors.append(str(error))

analytics.track(anonymous_id=visitor, event="Viewed", properties={"path": "/pricing"})
analytics.alias(visitor, user)
analytics.identify(user, {"email": user + "@example.com"})
analytics.group(user, "acme", {"plan": "pro"})
for number in range(count):
    analytics.track(user, "Order Placed", {"n": number, "total": 12.5})
    time.sleep(0.01)
analytics.flush()
analytics.shutdown()
print(json.dumps(errors))
