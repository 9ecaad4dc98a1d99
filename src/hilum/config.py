"""Every setting: its default, unit and meaning. Read once by `cli`, passed down as values.

Order: the TOML file, then `HILUM_*` variables (`HILUM_SEARCH__MAX_RESULTS`), then options; later wins.
"""

from __future__ import annotations

from enum import Enum
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    NonNegativeInt,
    PositiveFloat,
    PositiveInt,
)
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

MEGABYTE = 1024 * 1024


def _split_commas(value: object) -> object:
    """Turn the comma-separated text of a variable into a list."""
    if isinstance(value, str):
        return tuple(item.strip() for item in value.split(",") if item.strip())
    return value


def _check_networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        ip_network(text, strict=False)
    return texts


Texts = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split_commas)]


class Section(BaseModel):
    """A group of settings; a misspelt name is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class MissingAccept(Enum):
    """What a request without an Accept header gets."""

    STANDARD = "standard"
    REFUSE = "406"
    ANY = "any"


class HttpSettings(Section):
    """How requests are read and answered."""

    dicomweb_root: Annotated[str, Field(pattern=r"^(/[A-Za-z0-9._~-]+)*$")] = "/dicomweb"
    """Path of the RESTful services of PS3.18; '' serves them at the top."""
    public_url: Annotated[str, Field(pattern=r"^(https?://[^/?#@\s]+(/[A-Za-z0-9._~-]+)*/?)?$")] = ""
    """Scheme, host and prefix in front of every root as user agents see them, such as
    `https://pacs.example.org/imaging`; '' derives them from the request."""
    trusted_proxies: Annotated[Texts, AfterValidator(_check_networks)] = ()
    """Addresses whose `Forwarded` and `X-Forwarded-*` headers are believed."""
    allowed_hosts: Texts = ()
    """Host names that requests may carry beside loopback, the bound name and the host of `public_url`."""
    missing_accept: MissingAccept = MissingAccept.STANDARD
    """A request without Accept: `standard` refuses it with 406 (PS3.18 8.7.5), but answers a Store in JSON, for no
    object is to be lost for a header; `406` refuses that too, before the payload is read; `any` reads it as `*/*`,
    as many user agents need."""
    max_parts: PositiveInt = 20_000
    """Most parts of one multipart request."""
    max_object_bytes: PositiveInt = 64 * 1024 * MEGABYTE
    """Largest object of one part, in bytes."""
    upload_buffer_bytes: PositiveInt = 64 * MEGABYTE
    """Memory of a worker for bytes that have come and are not yet in staging."""
    idle_timeout_s: PositiveFloat = 120.0
    """Seconds that an upload or a download may stand still before it is given up."""


class CorsSettings(Section):
    """Which pages of other origins a browser lets use this server."""

    allowed_origins: Texts = ()
    """Origins such as `https://viewer.example.org`, beside loopback ones; `*` allows all."""


class SearchSettings(Section):
    """Limits of the Search transactions."""

    max_results: PositiveInt = 1000
    """Most matches in one response (`maxResults` of PS3.18 8.3.4.4.1)."""
    empty: Literal[204, 200] = 204
    """Status of a search without matches: 204 (PS3.18 8.3.4.4.1), or 200 with an empty list."""
    over_limit: Literal["page", "refuse"] = "page"
    """More matches than `max_results` and no smaller `limit` in the request: `page` answers the first ones with a
    Warning, `refuse` answers 413."""
    instance_keys: Texts = ()
    """Keywords or tags of instance-level attributes that are indexed for searches across studies."""
    scan_limit: PositiveInt = 10_000
    """Most instances that a search on keys outside the index may look through; above it the answer is 413."""


class StoreSettings(Section):
    """What the Store transaction and `hilum import` accept."""

    duplicates: Literal["reject", "replace", "keep"] = "reject"
    """A different object under a stored SOP Instance UID: `reject` fails it (0111H), `replace` puts it in the
    place of the first, `keep` answers success with a warning; the first stays with `reject` and `keep`."""
    reserve_bytes: NonNegativeInt = 256 * MEGABYTE
    """Free space of the data folder below which nothing more is stored (503, A700)."""
    bulk_threshold_bytes: Annotated[int, Field(ge=64)] = 1024
    """Binary values longer than this become bulk data URIs in metadata; shorter ones are inline, at least those of up
    to 64 bytes, such as the numbers that describe an image."""
    header_bytes: PositiveInt = 256 * MEGABYTE
    """Most bytes of an object's header (all but its pixel data)."""
    nesting: PositiveInt = 64
    """Deepest nesting of sequences."""
    inflated_bytes: PositiveInt = 16 * 1024 * MEGABYTE
    """Largest inflated size of a deflated object."""
    inflation_ratio: PositiveInt = 200
    """Largest ratio of inflated to deflated size (checked from 64 MB on)."""


class RetrieveSettings(Section):
    """How stored instances are given out."""

    bulk_data_uris: Literal["absolute", "relative"] = "absolute"
    """Form of bulk data URIs in metadata; `relative` starts at the path, without scheme and host."""
    max_frame_pixels: PositiveInt = 128 * 1024 * 1024
    """Most samples of one frame that is decoded."""
    codec_threads: NonNegativeInt = 0
    """Frames that a worker decodes at once; 0: one a core."""
    series_record_bytes: PositiveInt = 64 * MEGABYTE
    """Largest series whose metadata is kept as one record; above it, it is streamed instance by instance."""


class TrashSettings(Section):
    """Deleted studies, series and instances."""

    keep_days: NonNegativeInt = 30
    """Days after which the trash is emptied for good."""


class LogSettings(Section):
    """What the server writes to standard error."""

    format: Literal["text", "json"] = "text"
    """`json`: one object a line."""
    requests: bool = True
    """One line a request: method, route, status, milliseconds, bytes; never query values."""


class Settings(BaseSettings):
    """Read once at start, passed down, never changed."""

    model_config = SettingsConfigDict(
        env_prefix="HILUM_",
        env_nested_delimiter="__",
        frozen=True,
        extra="forbid",
        use_attribute_docstrings=True,
    )

    host: str = "127.0.0.1"
    """Address to bind."""
    port: Annotated[int, Field(ge=1, le=65535)] = 8080
    """Port to bind."""
    data: Path = Path("data")
    """Folder of the index (SQLite), the blobs and the staging area."""
    workers: NonNegativeInt = 0
    """Worker processes; 0: one a core."""
    shutdown_timeout_s: PositiveInt = 30
    """Seconds that running requests get to finish once the server is told to end."""
    index_url: str = ""
    """`postgresql://...` or `sqlite:///...`; '': SQLite in the data folder."""
    blobs_url: str = ""
    """`file:///...`; '': a folder in the data folder."""
    tls_cert: Path | None = None
    """Certificate chain, PEM; with `tls_key` the server speaks HTTPS."""
    tls_key: Path | None = None
    """Private key, PEM."""
    token_file: Path | None = None
    """File of bearer tokens, one a line; requests must carry one. Read again when it changes."""
    allow_anonymous: bool = False
    """Serve addresses other than loopback without tokens."""

    http: HttpSettings = HttpSettings()
    cors: CorsSettings = CorsSettings()
    search: SearchSettings = SearchSettings()
    store: StoreSettings = StoreSettings()
    retrieve: RetrieveSettings = RetrieveSettings()
    trash: TrashSettings = TrashSettings()
    log: LogSettings = LogSettings()
