"""Which media types each Resource Category is rendered in (PS3.18 Table 8.7.4-1). To offer another, add a row."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Final

from hilum.dicom.transfer_syntaxes import SYNTAXES, VIDEO_SYNTAXES
from hilum.render.documents import documents
from hilum.render.encoders import animation, images, video
from hilum.render.mosaic import level_of
from hilum.render.rendering import Rendering
from hilum.render.source import Source
from hilum.render.waveforms import encoders as waveforms


class Category(Enum):
    """Resource Categories of PS3.18 8.7.2."""

    SINGLE_FRAME = "single frame"
    MULTI_FRAME = "multi-frame"
    VIDEO = "video"
    TEXT = "text"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class RenderedType:
    """One row: a media type, and what makes it.

    `render` raises NotAcceptable where this very object has no such representation.
    """

    category: Category
    media_type: str
    render: Callable[[Rendering], bytes]


_ENCODED_VIDEO: Final = (
    RenderedType(Category.MULTI_FRAME, "video/mp4", video.render_mp4),
    RenderedType(Category.MULTI_FRAME, "video/mpeg", video.render_mpeg),
)

# In each category the default comes first.
RENDERED_TYPES: Final = (
    RenderedType(Category.SINGLE_FRAME, "image/jpeg", images.render_jpeg),
    RenderedType(Category.SINGLE_FRAME, "image/png", images.render_png),
    RenderedType(Category.SINGLE_FRAME, "image/gif", images.render_gif),
    RenderedType(Category.SINGLE_FRAME, "image/jp2", images.render_jp2),
    RenderedType(Category.SINGLE_FRAME, "image/jph", images.render_jph),
    RenderedType(Category.SINGLE_FRAME, "image/jxl", images.render_jxl),
    RenderedType(Category.SINGLE_FRAME, "image/webp", images.render_webp),
    RenderedType(Category.MULTI_FRAME, "image/gif", animation.render_gif),
    *(_ENCODED_VIDEO if video.IS_AVAILABLE else ()),
    RenderedType(Category.VIDEO, "video/mp4", video.pass_mp4),
    RenderedType(Category.VIDEO, "video/mpeg", video.pass_mpeg),
    RenderedType(Category.VIDEO, "video/H265", video.pass_h265),
    RenderedType(Category.TEXT, "text/html", documents.render_html),
    RenderedType(Category.TEXT, "text/plain", documents.render_text),
    RenderedType(Category.TEXT, "application/pdf", documents.render_pdf),
    RenderedType(Category.TEXT, "text/xml", documents.render_xml),
    *(RenderedType(Category.TEXT, name, documents.render_as_is) for name in documents.MODELS),
    RenderedType(Category.OTHER, "image/png", waveforms.render_png),
    RenderedType(Category.OTHER, "image/svg+xml", waveforms.render_svg),
    RenderedType(Category.OTHER, "application/pdf", waveforms.render_pdf),
)


def category_of(source: Source, frame_count: int) -> Category:
    """Return the Resource Category of an instance of which `frame_count` frames are wanted (PS3.18 8.7.2)."""
    if source.pixels is not None:
        if source.transfer_syntax_uid in VIDEO_SYNTAXES:
            return Category.VIDEO
        # All tiles of a whole-slide image are one picture.
        is_tiled = frame_count == source.frame_count and level_of(source) is not None
        return Category.SINGLE_FRAME if frame_count == 1 or is_tiled else Category.MULTI_FRAME
    if "ContentSequence" in source.attributes or "EncapsulatedDocument" in source.attributes:
        return Category.TEXT
    return Category.OTHER


def types_for(source: Source, category: Category) -> tuple[str, ...]:
    """Return the media types that an instance can be rendered in, the default first."""
    types = tuple(row.media_type for row in RENDERED_TYPES if row.category is category)
    if category is Category.VIDEO:
        # Stored video is passed through: as what it is.
        return tuple(name for name in types if name == SYNTAXES[source.transfer_syntax_uid].media_type)
    if category is Category.TEXT:
        return documents.document_types(source)
    if category is Category.OTHER and "WaveformSequence" not in source.attributes:
        return ()
    return types
