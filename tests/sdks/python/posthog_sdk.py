"""Captures through PostHog's SDK for Python with its own settings, host and key apart."""

import json
import sys
import time

from posthog import Posthog

host, key, user, count = sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])
visitor = user + "-visitor"
errors = []
posthog = Posthog(key, host=host, on_error=lambda error, events: errors.append(str(error)))

posthog.capture("Viewed", distinct_id=visitor, properties={"path": "/pricing"})
posthog.alias(visitor, user)
posthog.set(distinct_id=user, properties={"email": user + "@example.com"})
posthog.group_identify("company", "acme", {"plan": "pro"})
for number in range(count):
    properties = {"n": number, "total": 12.5}
    posthog.capture("Order Placed", distinct_id=user, properties=properties)
    time.sleep(0.01)
posthog.flush()
posthog.shutdown()
print(json.dumps(errors))
