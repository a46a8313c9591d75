#!/bin/sh
# Keeps the logs in the volume small: every minute, a file of more than 32 MB becomes `.1` in place of the one before, and
# nginx opens a new one. The Collector follows the renamed file to its end.
set -eu
folder=${LOG_FOLDER:-/var/log/nginx}
most=${LOG_MOST_BYTES:-33554432}
pid_file=${NGINX_PID_FILE:-/var/run/nginx.pid}

rotate() {
  turned=no
  for log in "$folder/access.log" "$folder/error.log"; do
    if [ -f "$log" ] && [ "$(wc -c < "$log")" -gt "$most" ]; then
      mv "$log" "$log.1"
      turned=yes
    fi
  done
  if [ "$turned" = yes ]; then kill -USR1 "$(cat "$pid_file")"; fi
}

# The image's entry point starts this before nginx and goes on only when it has ended.
(
  rounds=0
  while sleep "${LOG_EVERY_SECONDS:-60}" && [ "$rounds" != "${LOG_ROUNDS:-without end}" ]; do
    rounds=$((rounds + 1))
    rotate || echo 'The logs of nginx could not be rotated.' >&2
  done
) > /dev/null &
