"""datadog-api-client."""

import urllib.parse

from datadog_api_client import ApiClient, Configuration
from datadog_api_client.v1.api.authentication_api import AuthenticationApi
from datadog_api_client.v2.api.logs_api import LogsApi
from datadog_api_client.v2.model.content_encoding import ContentEncoding
from datadog_api_client.v2.model.http_log import HTTPLog
from datadog_api_client.v2.model.http_log_item import HTTPLogItem

from common import KEY, URL, numbered

configuration = Configuration()
configuration.api_key["apiKeyAuth"] = KEY
configuration.api_key["appKeyAuth"] = "none"
configuration.server_index = 1
configuration.server_variables = {"protocol": "http", "name": urllib.parse.urlparse(URL).netloc}
with ApiClient(configuration) as client:
    assert AuthenticationApi(client).validate()["valid"]
    items = [
        HTTPLogItem(
            message=text,
            ddsource="python",
            ddtags="env:test,place:" + str(place),
            hostname="client-host",
            service="datadog-python",
            status=level,
            place=place,
        )
        for place, level, text in numbered()
    ]
    LogsApi(client).submit_log(content_encoding=ContentEncoding.DEFLATE, body=HTTPLog(items))
