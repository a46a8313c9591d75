#!/bin/sh
# Writes the proxies in front of nginx into a file, from TRUSTED_PROXIES: addresses and ranges, separated by spaces or commas.
# The image's entry point runs this script before nginx, and does not start nginx when it fails.
#
# Every character of an entry is parsed before it is written, so that no entry can contain a directive of nginx.
set -eu
folder=${TRUST_FOLDER:-/run}
export ROUTES="${ROUTES_FOLDER:-/proc/net}"

# The same rule as in the app: an https PUBLIC_ORIGIN makes DEMO=0 the default.
case ${DEMO:-},${PUBLIC_ORIGIN:-} in
  1,*) demo=1 ;;
  ,[hH][tT][tT][pP][sS]:*) demo=0 ;;
  ,*) demo=1 ;;
  *) demo=0 ;;
esac
export demo

awk '
  # The 32 or 128 bits of an address as text; empty when it is not an address.
  function bits(address) { return index(address, ":") ? bits6(tolower(address)) : bits4(address) }
  function bits4(address,   parts, count, each, text) {
    count = split(address, parts, ".")
    if (count != 4) return ""
    for (each = 1; each <= 4; each++) {
      if (parts[each] !~ /^(0|[1-9][0-9]?[0-9]?)$/ || parts[each] + 0 > 255) return ""
      text = text binary(parts[each] + 0, 8)
    }
    return text
  }
  function bits6(address,   halves, count, left, right, zeros, middle) {
    count = split(address, halves, "::")
    if (count > 2) return ""
    left = groups(halves[1])
    right = count == 2 ? groups(halves[2]) : ""
    if (left == "bad" || right == "bad") return ""
    zeros = 128 - length(left) - length(right)
    if (count == 1 ? zeros != 0 : zeros < 16) return ""
    for (middle = ""; length(middle) < zeros; ) middle = middle "0"
    return left middle right
  }
  function groups(half,   parts, count, each, text) {
    count = split(half, parts, ":")
    for (each = 1; each <= count; each++) {
      if (parts[each] !~ /^[0-9a-f]+$/ || length(parts[each]) > 4) return "bad"
      text = text binary(hex(parts[each]), 16)
    }
    return text
  }
  function hex(digits,   each, value) {
    for (each = 1; each <= length(digits); each++)
      value = value * 16 + index("0123456789abcdef", tolower(substr(digits, each, 1))) - 1
    return value
  }
  function binary(value, width,   text) {
    for (; width > 0; width--) { text = (value % 2) text; value = int(value / 2) }
    return text
  }

  # The addresses of the gateways of this machine or container.
  function readGateways(   file, line, parts, digits) {
    file = ENVIRON["ROUTES"] "/route"
    while ((getline line < file) > 0) {
      split(line, parts)
      digits = parts[3]
      if (parts[2] != "00000000" || digits == "00000000" || length(digits) != 8) continue
      # The bytes are in reverse order.
      gateways[++known] = hex(substr(digits, 7, 2)) "." hex(substr(digits, 5, 2)) "." \
        hex(substr(digits, 3, 2)) "." hex(substr(digits, 1, 2))
    }
    file = ENVIRON["ROUTES"] "/ipv6_route"
    while ((getline line < file) > 0) {
      split(line, parts)
      if (parts[1] !~ /^0+$/ || parts[2] != "00" || parts[5] ~ /^0+$/ || length(parts[5]) != 32) continue
      digits = parts[5]
      gsub(/[0-9a-f][0-9a-f][0-9a-f][0-9a-f]/, ":&", digits)
      gateways[++known] = substr(digits, 2)
    }
  }

  function refuse(sentence) {
    gsub(/[^ -~]/, "?", sentence)
    print sentence > "/dev/stderr"
    exit 1
  }
  # An entry must be an address or a small enough range; anything else stops the start.
  function check(entry,   parts, count, address, width, size, least, each, shown) {
    shown = "TRUSTED_PROXIES has \"" substr(entry, 1, 60) "\", "
    if (entry == "private")
      refuse(shown "which would trust everybody: Docker may show any client under the address of its gateway, and that is private. Name the proxy in front of nginx, by address or range.")
    count = split(entry, parts, "/")
    address = bits(parts[1])
    width = length(address)
    size = count == 2 ? parts[2] : width
    if (address == "" || count > 2 || size !~ /^(0|[1-9][0-9]?[0-9]?)$/ || size + 0 > width)
      refuse(shown "but a proxy in front of nginx is named by its address or range, such as 192.0.2.10 or 2001:db8::/32.")
    if (index(address, mapped) == 1 && width == 128)
      refuse(shown "which is IPv4 written as IPv6: write it as IPv4.")
    least = width == 32 ? 8 : 16
    if (size + 0 < least)
      refuse(shown "which would trust almost everybody: a range has /" least " at least.")
    trusted(address, size + 0, entry)
  }

  # Writes the lines of one entry. Docker may show any client under the address of a gateway, so a range is written without it.
  function trusted(address, size, entry,   prefix, gateway, each, count) {
    prefix = substr(address, 1, size)
    list[count = 1] = prefix
    for (each = 1; each <= known && size < length(address); each++) {
      gateway = bits(gateways[each])
      if (length(gateway) != length(address) || substr(gateway, 1, size) != prefix) continue
      if (gateways[each] in named) continue
      print "TRUSTED_PROXIES has " entry ", but not its address " gateways[each] ", which is left out: Docker may show any client under it. Name it by itself if your proxy has this address." > "/dev/stderr"
      count = without(gateway, count)
    }
    if (count == 1 && list[1] == prefix) line(entry)
    else for (each = 1; each <= count; each++) line(text_of(list[each], length(address)) "/" length(list[each]))
  }
  # Splits each range of the list that contains this gateway into ranges without it. Returns the new length of the list.
  function without(gateway, kept,   each, bit, count, old) {
    for (each = 1; each <= kept; each++) old[each] = list[each]
    for (each = 1; each <= kept; each++) {
      if (substr(gateway, 1, length(old[each])) != old[each]) { list[++count] = old[each]; continue }
      for (bit = length(old[each]) + 1; bit <= length(gateway); bit++)
        list[++count] = substr(gateway, 1, bit - 1) (1 - substr(gateway, bit, 1))
    }
    return count
  }
  function text_of(prefix, width,   step, format, each, text, value) {
    step = width == 32 ? 8 : 16
    format = width == 32 ? ".%d" : ":%x"
    while (length(prefix) < width) prefix = prefix "0"
    for (; prefix != ""; prefix = substr(prefix, step + 1)) {
      value = 0
      for (each = 1; each <= step; each++) value = value * 2 + substr(prefix, each, 1)
      text = text sprintf(format, value)
    }
    return substr(text, 2)
  }
  function line(range) {
    print "set_real_ip_from " range ";"
    lines = lines "    " range " 1;\n"
  }

  BEGIN {
    mapped = sprintf("%080d", 0) "1111111111111111"
    readGateways()
    count = split(ENVIRON["TRUSTED_PROXIES"], entries, /[ \t\r\n,]+/)
    print "# Written at the start from TRUSTED_PROXIES, DEMO and PUBLIC_ORIGIN."
    for (each = 1; each <= count; each++) {
      entry = tolower(entries[each])
      if (entry != "" && !(entry in named)) { named[entry]; wanted[++distinct] = entry }
    }
    for (each = 1; each <= distinct; each++) check(wanted[each])
    print "real_ip_header X-Forwarded-For;"
    print "real_ip_recursive on;"
    printf "geo $realip_remote_addr $from_proxy {\n    default 0;\n%s}\n", lines
    printf "map $from_proxy $continues_trace {\n    default %s;\n}\n", ENVIRON["demo"] ? "1" : "$from_proxy"
  }
' > "$folder/trust.conf.new"

# The OpenTelemetry module cannot decide for each request. In a demo, it continues the traces of all callers. Otherwise each
# trace starts at nginx.
if [ "$demo" = 1 ]; then echo 'otel_trace_context propagate;'; else echo 'otel_trace_context inject;'; fi > "$folder/trace-context.conf"
mv "$folder/trust.conf.new" "$folder/trust.conf"
