"""The browser's copy of the messages: written from Python, and committed fresh."""

from __future__ import annotations

import re
from pathlib import Path

from nbpipe.views import protocol
from nbpipe.views.status import LOOKS
from nbpipe.views.typescript import protocol_ts

COMMITTED = Path(__file__).parents[2] / "labextension/src/protocol.ts"


def test_the_committed_copy_is_fresh() -> None:
    """Stale otherwise: renew it with `make protocol`."""
    assert COMMITTED.read_text("utf-8") == protocol_ts()


def test_every_message_says_in_its_type_which_it_is() -> None:
    text = protocol_ts()
    for message in ("Hello", "GraphMessage", "PatchMessage", "LogMessage", "AnswerMessage", "Request"):
        kind = getattr(protocol, message).__dataclass_fields__["type"].default
        body = re.search(rf"export interface {message} {{(.*?)\n}}", text, re.DOTALL)[1]
        assert f'type: "{kind}"' in body


def test_every_state_has_a_look_and_a_shape() -> None:
    text = protocol_ts()
    looks = text[text.index("LOOKS") : text.index("SETTLED")]
    shapes = text[text.index("GLYPHS") : text.index("DATA_GLYPH")]
    for word in LOOKS:
        assert f'"{word}":' in looks
        assert f'"{word}":' in shapes
