"""Requirements that no test shows, each with the reason. What is missing is said here and nowhere else."""

from __future__ import annotations

from typing import Final

NOT_DONE: Final = {
    "ATNA": "Audit messages in the form of PS3.15 A.5 are not written yet.",
    "IUA": "Tokens are static bearer tokens; JSON Web Tokens and introspection are not read yet.",
    "CT": "The clock is the host's duty.",
}
"""By prefix: whole groups of requirements."""

REASONS: Final[dict[str, str]] = {
    "STAT-16": "No request is refused as a whole for its SOP class, so 501 is never sent.",
    "NEG-22": "Status reports are in English.",
    "TSX-15": "There is no JPIP server.",
    "VOL-20": "Volume rendering is not offered.",
    "WADO-08": "Thumbnails are sent, not redirected to.",
    "WADO-18": "Volume rendering is not offered.",
    "WADO-19": "Volume rendering is not offered.",
    "WADO-28": "There is no lenient switch: many rendered instances come as multipart.",
    "JSON-09": "Strings that are too long for their VR are stored as they are sent.",
    "JSON-42": "There is no switch: Specific Character Set keeps its source value.",
    "QIDO-33": "Record Keys are not supported.",
    "STOW-49": "Reasons stand in the response module, not in a Warning header.",
    "UPS-69": "Cancellation requests are always taken (202).",
    "UPS-86": "Filters are supported, so that none is refused for being one.",
    "SEC-04": "Static bearer tokens.",
    "WS-23": "Audit messages are not written yet; authentication is that of all resources.",
    "WS-24": "Asynchronous replies and JPIP are not offered.",
    "IHE-XDSI-07": "Manifests are not published by the server.",
    "IHE-XDSI-08": "The endpoint is named; the repository's identifier is a setting of the site.",
    "IHE-WIC-17": "The conversion adds no item to Contributing Equipment Sequence.",
    "IHE-WIA-10": "The XDS-I backend option is not offered.",
    "IHE-WIA-12": "Audit messages are not written yet.",
    "IHE-AIW-11": "Tokens have no scopes.",
}
"""By id."""


def reason_of(requirement: str) -> str:
    """Return why no test shows a requirement, '' if nothing is said about it."""
    return REASONS.get(requirement) or NOT_DONE.get(requirement.partition("-")[0], "")
