"""Pages as HTML: the templates, their one style sheet, and the headers that go with every answer.

Everything is escaped by the template engine. No script runs, nothing is fetched, nothing is kept, nobody may frame it.
"""

import hashlib
from base64 import b64encode
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup
from starlette.responses import HTMLResponse, Response

_PACKAGE: Final = "almenara.console"


@lru_cache(maxsize=1)
def style() -> str:
    """The style sheet, which stands in every page."""
    return files(_PACKAGE).joinpath("templates/style.css").read_text("utf-8")


@lru_cache(maxsize=1)
def headers() -> dict[str, str]:
    """The headers of every answer: the style sheet is let through by its hash, and nothing else is."""
    digest = b64encode(hashlib.sha256(style().encode()).digest()).decode()
    policy = (
        f"default-src 'none'; style-src 'sha256-{digest}'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )
    return {
        "Content-Security-Policy": policy,
        "Referrer-Policy": "no-referrer",  # the address of a page is what proves who may act
        "Cache-Control": "no-store",
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "X-Robots-Tag": "noindex, nofollow, noarchive",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    }


def page(template: str, status: int = 200, *, allow: str = "", **values: Any) -> Response:
    """An answer of a template. `allow` names the methods that a page has."""
    text = _environment().get_template(template).render(style=Markup(style()), **values)  # noqa: S704 - our own file
    return HTMLResponse(text, status, headers=headers() | ({"Allow": allow} if allow else {}))


def bare(status: int = 200, *, allow: str = "") -> Response:
    """An answer without a page, for programs."""
    return Response(status_code=status, headers=headers() | ({"Allow": allow} if allow else {}))


@lru_cache(maxsize=1)
def _environment() -> Environment:
    return Environment(
        loader=PackageLoader(_PACKAGE), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
