"""A site on loopback with the pages of these tests, under the policy that scripts come from it alone."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path(__file__).parent / "pages"
WIDGET = Path(__file__).parents[2] / "nbpipe/live/static/widget.js"
TYPES = {".html": "text/html; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".css": "text/css"}


@contextmanager
def site() -> Iterator[str]:
    """Serve the pages, and the widget as it is shipped; gives the site's address."""
    known = {path.name: path for path in PAGES.iterdir()} | {"widget.js": WIDGET}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            path = known.get(self.path.partition("?")[0].lstrip("/"))
            if path is None:
                self.send_error(404)
                return
            self.send_response(200)
            self.send_header("Content-Type", TYPES[path.suffix])
            self.send_header("Content-Security-Policy", "script-src 'self'")
            self.end_headers()
            self.wfile.write(path.read_bytes())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
