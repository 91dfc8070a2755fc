"""moto's S3 server, deciding on each write alone, as S3 does: by itself it looks for a name and takes it later."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from functools import wraps
from typing import Any

from moto.s3.responses import S3Response
from moto.server import main

_TURN = threading.RLock()


def _alone(write: Callable[..., Any]) -> Callable[..., Any]:
    @wraps(write)
    def whole(*args: Any, **options: Any) -> Any:
        with _TURN:
            return write(*args, **options)

    return whole


S3Response.put_object = _alone(S3Response.put_object)
S3Response._key_response_post = _alone(S3Response._key_response_post)

if __name__ == "__main__":
    main(sys.argv[1:])
