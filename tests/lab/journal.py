"""Lines of syslog of 2026 -> Journal Export Format; see journal.sh.

A field without a value falls away. Each entry is a microsecond later than
the one before it, in its second; T0 (environment) is the first one's.
"""
import calendar
import os
import re
import sys
import time


def export(fields):
    out = b""
    for name, value in fields.items():
        name = name.encode()
        if b"\n" in value or b"\0" in value:
            size = len(value).to_bytes(8, "little")
            out += name + b"\n" + size + value + b"\n"
        elif value:
            out += name + b"=" + value + b"\n"
    return out + b"\n"


given = dict(arg.encode("utf-8", "surrogateescape").split(b"=", 1)
             for arg in sys.argv[1:])
micro = int(os.environ.get("T0", "0"))
shape = re.compile(rb"(.{15}) (\S+) ([^\[:]*)(?:\[(\d+)\])?: (.*)", re.S)
for line in sys.stdin.buffer.read().split(b"\n")[:-1]:
    stamp, host, tag, pid, text = shape.match(line).groups()
    when = calendar.timegm(time.strptime(
        "2026 " + stamp.decode(), "%Y %b %d %H:%M:%S")) * 1000000 + micro
    micro += 1
    fields = {
        "__REALTIME_TIMESTAMP": b"%d" % when,
        "__MONOTONIC_TIMESTAMP": b"%d" % (when - 1700000000000000),
        "_BOOT_ID": b"0123456789abcdef0123456789abcdef",
        "_TRANSPORT": b"syslog",
        "_UID": b"0",
        "_COMM": tag.split(b"/")[-1],
        "_HOSTNAME": host,
        "_PID": pid or b"1",
        "SYSLOG_IDENTIFIER": tag,
        "SYSLOG_PID": pid or b"",
        "SYSLOG_FACILITY": b"2",
        "MESSAGE": text,
    }
    fields.update((k.decode(), v.replace(b"\\n", b"\n").replace(b"\\0", b"\0"))
                  for k, v in given.items())
    sys.stdout.buffer.write(export(fields))
