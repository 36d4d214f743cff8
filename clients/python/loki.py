"""python-logging-loki, a handler for Python's logging."""

import logging

import logging_loki

from common import KEY, URL, numbered

handler = logging_loki.LokiHandler(
    url=URL + "/loki/api/v1/push", tags={"app": "loki-python"}, auth=("tenant", KEY), version="1"
)
handler.handleError = lambda record: (_ for _ in ()).throw(SystemExit("the handler failed"))
logger = logging.getLogger("loki")
logger.setLevel(logging.DEBUG)
logger.addHandler(handler)
for place, level, text in numbered():
    logger.log(getattr(logging, level.upper()), "%s", text, extra={"tags": {"place": str(place)}})
