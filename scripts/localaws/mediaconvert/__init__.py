"""AWS Elemental MediaConvert that converts, in moto's own shape.

`register()` makes moto serve it, in-process under `mock_aws` and from its server alike; any boto3
`mediaconvert` client then works. The code could move into moto as `moto/mediaconvert/` as it is.
"""

from __future__ import annotations

import re
import sys

import moto
import moto.backend_index

from localaws.mediaconvert.models import mediaconvert_backends

__all__ = ["mediaconvert_backends", "register"]

SERVICE = "mediaconvert"
URL_PATTERN = re.compile(r"https?://mediaconvert\.(.+)\.amazonaws\.com")


def register() -> None:
    """Adds MediaConvert to the services that moto knows; calling it again changes nothing.

    moto finds a service by its URL pattern and imports `moto.<service>`: both are provided. Its server tells
    services by the scope in a request's signature and looks in the same list of patterns. Call it before
    `mock_aws` starts or the server is made.
    """
    if all(service != SERVICE for service, _pattern in moto.backend_index.backend_url_patterns):
        moto.backend_index.backend_url_patterns.append((SERVICE, URL_PATTERN))
    sys.modules.setdefault(f"moto.{SERVICE}", sys.modules[__name__])
    setattr(moto, SERVICE, sys.modules[f"moto.{SERVICE}"])
