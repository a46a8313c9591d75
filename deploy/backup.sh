#!/bin/sh
# Sends a checked copy of the database off the machine, with restic or with rclone. The app may run. Settings:
#
#   RESTIC_REPOSITORY, RESTIC_PASSWORD        for restic: encrypted, only what has changed is sent
#   RCLONE_TARGET                             for rclone, such as "storage:birds": each copy whole
#   KEEP_DAYS                                 how many days rclone keeps copies, 30 by default
set -eu
umask 077
app=$(cd "$(dirname "$0")/.." && pwd)
folder=${CACHE_DIRECTORY:-/var/cache/tracewren}
copy=$folder/tracewren.db

if [ -z "${RESTIC_REPOSITORY:-}${RCLONE_TARGET:-}" ]; then
  echo 'Set RESTIC_REPOSITORY or RCLONE_TARGET to where the backups go.' >&2
  exit 2
fi

# db:backup writes over nothing, so a copy that a killed run has left must go.
rm -f "$copy"
trap 'rm -f "$copy"' EXIT
trap 'exit 1' HUP INT TERM
"${NODE:-node}" "$app/dist/db-backup.js" "$copy"

if [ -n "${RESTIC_REPOSITORY:-}" ]; then
  # The user of the service has no home.
  export RESTIC_CACHE_DIR="${RESTIC_CACHE_DIR:-$folder/restic}"
  restic backup --quiet --host tracewren --tag tracewren "$copy"
  restic forget --quiet --host tracewren --tag tracewren --group-by host,tags \
    --keep-daily 7 --keep-weekly 5 --keep-monthly 12 --prune
else
  rclone copyto "$copy" "$RCLONE_TARGET/tracewren-$(date -u +%Y%m%dT%H%M%SZ).db"
  # Only after a new copy has arrived: a backup that fails deletes nothing.
  rclone delete --min-age "${KEEP_DAYS:-30}d" --include 'tracewren-*.db' "$RCLONE_TARGET"
fi
