#!/bin/sh
# Becomes trailkeep, and tells PM2 when /readyz says ok.
#
# PM2's `wait_ready` waits for the message "ready" on Node's IPC channel, which
# a program that is not written for Node never sends. But the channel is a
# socket that PM2 hands to whatever it starts, with its number in
# NODE_CHANNEL_FD, and a message on it is one line of JSON. So a loop beside
# the service asks /readyz and writes that line.
#
# TRAILKEEP_BIN names another binary than the one that .ci/dist builds.

bin=${TRAILKEEP_BIN:-target/dist/trailkeep}

# Host and port, whichever layer of the settings they come from. Wrong settings
# are told here, and end with trailkeep's own exit code 2.
settings=$("$bin" config) || exit
setting() {
  printf '%s\n' "$settings" | sed -n "s/^$1 = \"\{0,1\}\([^\" ]*\).*/\1/p" | head -n 1
}
host=$(setting host)
case $host in
  *:*) host="[$host]" ;; # IPv6
esac
url="http://$host:$(setting port)/readyz"

# Detached twice, so that it is no child of the service, which would have to
# wait for its end; it ends when it has told PM2, or with the service ($$).
if [ -n "$NODE_CHANNEL_FD" ]; then
  (
    while kill -0 $$ 2>&-; do
      if curl --fail --silent --max-time 2 --noproxy '*' --output /dev/null "$url"; then
        echo '"ready"' >&"$NODE_CHANNEL_FD"
        break
      fi
      sleep 0.2
    done &
  )
fi

# The same process from here on: PM2's signals reach the service itself, and
# its exit code reaches PM2.
exec "$bin" serve
