"""Python's own logging: SysLogHandler over TCP (`tcp`) and UDP (`udp`) to a listener of the project."""

import logging
import logging.handlers
import os
import socket
import sys

from common import numbered

kind = socket.SOCK_STREAM if sys.argv[1] == "tcp" else socket.SOCK_DGRAM
port = int(os.environ["CORDWOOD_SYSLOG_" + sys.argv[1].upper()])
handler = logging.handlers.SysLogHandler(address=("127.0.0.1", port), socktype=kind)
handler.ident = "stdlib-" + sys.argv[1] + ": "
logger = logging.getLogger("stdlib")
logger.setLevel(logging.DEBUG)
logger.addHandler(handler)
for place, level, text in numbered():
    logger.log(getattr(logging, level.upper()), "%s", text)
handler.close()
