"""splunk-handler, which sends to Splunk's HTTP Event Collector."""

import logging
import urllib.parse

from splunk_handler import SplunkHandler

from common import KEY, URL, numbered

address = urllib.parse.urlparse(URL)
handler = SplunkHandler(
    host=address.hostname,
    port=address.port,
    token=KEY,
    index="main",
    source="splunk-python",
    sourcetype="text",
    hostname="client-host",
    protocol="http",
    verify=False,
    flush_interval=0.2,
)
logger = logging.getLogger("splunk")
logger.setLevel(logging.DEBUG)
logger.addHandler(handler)
for place, level, text in numbered():
    logger.log(getattr(logging, level.upper()), "%s", text)
handler.shutdown()
