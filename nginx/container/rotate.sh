#!/bin/sh
# Limits the size of the logs in the volume. Every minute, a file of more than 32 MB is renamed to `.1`, replaces the previous
# `.1`, and nginx opens a new file. The Collector reads the renamed file to its end.
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

# The image's entry point waits for this script before it starts nginx, so the loop runs in the background.
(
  rounds=0
  while sleep "${LOG_EVERY_SECONDS:-60}" && [ "$rounds" != "${LOG_ROUNDS:-without end}" ]; do
    rounds=$((rounds + 1))
    rotate || echo 'The logs of nginx could not be rotated.' >&2
  done
) > /dev/null &
