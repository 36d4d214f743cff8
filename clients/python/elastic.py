"""elasticsearch-py 7, 8 or 9, whichever is on the path: handshake, bulk helper, one rejected document."""

import datetime
import sys

import elasticsearch
from elasticsearch import helpers

from common import KEY, URL, numbered

version = elasticsearch.__version__[0]
auth = {
    7: {"api_key": ("id", KEY)},
    8: {"api_key": KEY},
    9: {"basic_auth": ("cordwood", KEY)},
}[version]
client = elasticsearch.Elasticsearch([URL + "/elasticsearch" if version == 8 else URL], **auth)
assert client.ping()
assert client.info()["tagline"]

now = datetime.datetime.now(datetime.timezone.utc).isoformat()
index = f"es-{version}-2026.01.31"
documents = [
    {
        "_op_type": "create",
        "_index": index,
        "_source": {
            "@timestamp": now,
            "log": {"level": level},
            "message": text,
            "place": place,
            "nested": {"ratio": 0.5, "flag": True},
        },
    }
    for place, level, text in numbered()
]
stored, errors = helpers.bulk(client, documents)
assert (stored, errors) == (len(documents), []), (stored, errors)

old = {"_op_type": "index", "_index": index, "_source": {"@timestamp": "2001-01-01T00:00:00Z", "message": "old"}}
stored, errors = helpers.bulk(client, [old], raise_on_error=False)
assert stored == 0 and len(errors) == 1 and "too_old" in str(errors), errors
answer = client.index(index=index, **({"body": {"message": "single"}} if version == 7 else {"document": {"message": "single"}}))
assert answer["result"] == "created", answer

wrong = {7: {"api_key": ("id", "wrong")}, 8: {"api_key": "wrong"}, 9: {"basic_auth": ("cordwood", "wrong")}}[version]
try:
    elasticsearch.Elasticsearch([URL], **wrong).info()
    sys.exit("a wrong key was let in")
except elasticsearch.AuthenticationException as error:
    assert "security_exception" in str(error), error
