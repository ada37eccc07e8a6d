"""Renders a Slack message as a box of text, as the channel would show it."""

import re
import textwrap
import unicodedata

WIDTH = 92


def rendered(message: dict) -> str:
    """The message's blocks, or its plain text if it has none."""
    lines = [f"#{message.get('channel', '?')}", ""]
    blocks = message.get("blocks") or []
    for block in blocks:
        lines += _block(block)
    if not blocks:
        lines += _wrapped(message.get("text", ""))
    while lines and not lines[-1]:
        lines.pop()
    inner = [f"  │ {line}{' ' * (WIDTH - _columns(line))} │" for line in lines]
    return "\n".join([f"  ┌{'─' * (WIDTH + 2)}┐", *inner, f"  └{'─' * (WIDTH + 2)}┘"])


def _columns(line: str) -> int:
    """The width of a line on a terminal: most emoji take two columns, variation selectors none."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in line)
    return len(line) + wide - line.count("\ufe0f")


def _block(block: dict) -> list[str]:
    kind = block.get("type")
    if kind == "divider":
        return ["─" * WIDTH]
    if kind == "header":
        return [_plain(block["text"]["text"]).upper(), ""]
    if kind == "context":
        return [*_wrapped(" · ".join(_text(element) for element in block.get("elements", []))), ""]
    if kind == "actions":
        return ["  ".join(f"[ {_text(element.get('text', {}))} ]" for element in block.get("elements", [])), ""]
    lines = _wrapped(_text(block["text"])) if block.get("text") else []
    for field in block.get("fields", []):
        lines += _wrapped(_text(field).replace("\n", "  "))
    return [*lines, ""]


def _text(element: dict) -> str:
    return _plain(element.get("text", ""))


def _plain(text: str) -> str:
    """Slack's mrkdwn without markup: https://docs.slack.dev/messaging/formatting-message-text."""
    text = re.sub(r"<(https?://[^|>]+)\|([^>]+)>", r"\2 (\1)", text)
    text = re.sub(r"<(https?://[^>]+)>", r"\1", text)
    text = re.sub(r"<!date\^\d+\^[^|>]*\|([^>]+)>", r"\1", text)
    for mark in ("\\*", "_", "~", "`"):
        text = re.sub(rf"(?<!\w){mark}([^{mark}\n]+){mark}(?!\w)", r"\1", text)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def _wrapped(text: str) -> list[str]:
    return [line for part in text.splitlines() or [""] for line in textwrap.wrap(part, WIDTH, break_on_hyphens=False) or [""]]
