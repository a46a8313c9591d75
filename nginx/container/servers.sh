#!/bin/sh
# Writes the app's processes into a file of nginx, from APP_SERVERS: HOST:PORT, separated by spaces or commas; by default
# app:5000, which may be several containers of one name. The image's entry point runs this script before nginx.
set -eu
folder=${SERVERS_FOLDER:-/run}

printf '%s\n' "${APP_SERVERS:-}" | awk '
  BEGIN { print "# Written at the start from APP_SERVERS." }
  {
    count = split($0, entries, /[ \t\r,]+/)
    for (each = 1; each <= count; each++) if (entries[each] != "" && !(entries[each] in named)) {
      named[entries[each]]
      line(entries[each])
    }
  }
  END { if (!bad && !servers) line("app:5000") }

  # Every character is parsed before it is written, so that no entry can contain a directive of nginx.
  function line(entry,   port) {
    port = entry
    sub(/.*:/, "", port)
    if (entry !~ /^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]):[1-9][0-9]*$/ || length(entry) > 260 || port + 0 > 65535) {
      gsub(/[^ -~]/, "?", entry)
      print "APP_SERVERS has \"" substr(entry, 1, 60) "\", but a process of the app is named by its host and port, such as app-1:5000." > "/dev/stderr"
      bad = 1
      exit 1
    }
    servers++
    # A name may have several addresses, and others after a restart; an address has no name to look up.
    print "server " entry (entry ~ /^(\[|[0-9.]+:)/ ? "" : " resolve") " max_fails=1 fail_timeout=1s;"
  }
' > "$folder/servers.conf.new"
mv "$folder/servers.conf.new" "$folder/servers.conf"
