"""What all scripts share: where to send, with which key, and the texts that have to arrive as they are."""

import json
import os
import pathlib

URL = os.environ["CORDWOOD_URL"]
KEY = os.environ["CORDWOOD_KEY"]
TEXTS = json.loads((pathlib.Path(__file__).parent.parent / "texts.json").read_text())
LEVELS = ["debug", "info", "warning", "error"]


def numbered():
    """Each text with its place and its level."""
    return [(place, LEVELS[place % len(LEVELS)], text) for place, text in enumerate(TEXTS)]
