// Runs Trailkeep under PM2:
//
//   cargo build --profile dist
//   pm2 start ecosystem/ecosystem.config.js
//
// `pm2 start` and `pm2 restart` return when /readyz says ok: pm2-start.sh tells
// PM2 so, see there. Settings come from .env in the project's folder, from the
// environment of the shell that runs `pm2 start`, and from `env` below.

const path = require('node:path');

module.exports = {
  apps: [
    {
      name: 'trailkeep',
      cwd: path.join(__dirname, '..'),
      script: path.join(__dirname, 'pm2-start.sh'),
      interpreter: 'none',

      // The embedded store belongs to one process. Cluster mode is for scripts
      // of Node; several instances are several apps, on MongoDB (docs/OPERATIONS.md).
      exec_mode: 'fork',
      instances: 1,

      // After listen_timeout PM2 stops waiting and counts the app as started;
      // a MongoDB that is away at the start is no reason for it to fail.
      wait_ready: true,
      listen_timeout: 20000,

      // PM2 sends SIGINT and, after kill_timeout, SIGKILL. A stop has to be
      // complete by then, also while the database is away, hence the shorter grace.
      kill_timeout: 15000,
      env: { SHUTDOWN_GRACE_MS: '12000' },

      // Wrong settings (2) and a missing binary (126, 127) do not get better by
      // trying again. (PM2 goes on showing "waiting restart" then, but does not
      // restart.) Code 0 must not stand here: PM2 takes a process that was killed
      // by a signal, as by the kernel's out-of-memory killer, for one that ended
      // with 0.
      stop_exit_codes: [2, 126, 127],

      // Any other end, that of a failed part such as the journal's disk (5)
      // included, is tried again after 0.1 s, then 1.5 times as long each time, up
      // to 15 s; PM2 resets it after 30 s without a restart. The limit on restarts
      // is lifted, because a port or a data folder that is taken may be free again
      // later.
      exp_backoff_restart_delay: 100,
      max_restarts: Number.MAX_SAFE_INTEGER,
    },
  ],
};
