"""Text as XML and JSON can hold it."""

from __future__ import annotations

import re

FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""What is no character of XML 1.0 (section 2.2); lone surrogates among them."""


def plain_text(text: str) -> str:
    """Return text with U+FFFD for what XML cannot hold.

    Names of files that are no UTF-8 hold lone surrogates, those of channels now and
    then control characters.
    """
    return FORBIDDEN.sub("\ufffd", text)
