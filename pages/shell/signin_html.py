"""The pages before the console: plain HTML without a script, in the console's own look.

One reason to change: what somebody sees who is not in yet. Every text that is not ours is escaped.
"""

from dataclasses import dataclass
from html import escape

from pages.shell.brand import picture, style
from pages.shell.signin_cookie import TARGET_PARAM
from sipd_core.texts import text

FORM_FIELD = "tanda"


@dataclass(frozen=True, slots=True)
class Field:
    """One input of a form; `kind` is that of HTML, `fill` what password managers go by."""

    name: str
    label: str
    kind: str
    fill: str
    value: str = ""
    help: str = ""


@dataclass(frozen=True, slots=True)
class Form:
    """What is sent where; `token` proves that our own page sent it, `target` is where to go afterwards."""

    action: str
    token: str
    button: str
    fields: tuple[Field, ...] = ()
    target: str = ""


def page(title: str, *parts: str, refresh: int = 0) -> str:
    """A whole page of `parts`, which are HTML; `refresh`: seconds after which the browser asks again."""
    again = f'<meta http-equiv="refresh" content="{refresh}">' if refresh else ""
    light, dark = (picture(f"logo-{name}.svg") for name in ("light", "dark"))
    return (
        f'<!doctype html><html lang="id"><head><meta charset="utf-8">{again}'
        '<meta name="viewport" content="width=device-width, initial-scale=1"><meta name="robots" content="noindex">'
        f"<title>{escape(title)} · {escape(text('sign_in.product'))}</title>"
        f'<link rel="icon" href="{picture("favicon.png")}">{style("signin.css")}</head><body><main>'
        f'<picture><source media="(prefers-color-scheme: dark)" srcset="{dark}">'
        f'<img class="logo" src="{light}" alt="{escape(text("sign_in.product"))}"></picture>'
        f'<div class="card">{"".join(parts)}</div></main></body></html>'
    )


def heading(said: str) -> str:
    """The page's only heading."""
    return f"<h1>{escape(said)}</h1>"


def paragraph(said: str, *, soft: bool = False) -> str:
    """Some sentences."""
    return f'<p class="soft">{escape(said)}</p>' if soft else f"<p>{escape(said)}</p>"


def problem(said: str) -> str:
    """What went wrong, read out by screen readers; nothing when nothing did."""
    return f'<p class="said bad" role="alert">{escape(said)}</p>' if said else ""


def notice(said: str) -> str:
    """What somebody should know; nothing when there is nothing."""
    return f'<p class="said note" role="status">{escape(said)}</p>' if said else ""


def button_link(label: str, address: str, *, second: bool = False) -> str:
    """A link that looks like a button."""
    return f'<a class="button{" second" if second else ""}" href="{escape(address)}">{escape(label)}</a>'


def form(made: Form) -> str:
    """A form that works without a script."""
    hidden = f'<input type="hidden" name="{FORM_FIELD}" value="{escape(made.token)}">'
    if made.target:
        hidden += f'<input type="hidden" name="{TARGET_PARAM}" value="{escape(made.target)}">'
    first = next((place for place, field in enumerate(made.fields) if not field.value), 0)
    fields = "".join(_field(field, focus=place == first) for place, field in enumerate(made.fields))
    return (
        f'<form method="post" action="{escape(made.action)}">{hidden}{fields}'
        f'<button type="submit">{escape(made.button)}</button></form>'
    )


def _field(field: Field, *, focus: bool) -> str:
    told = f'<p class="soft" id="{field.name}-bantuan">{escape(field.help)}</p>' if field.help else ""
    described = f' aria-describedby="{field.name}-bantuan"' if field.help else ""
    return (
        f'<div class="field"><label for="{field.name}">{escape(field.label)}</label>'
        f'<input id="{field.name}" name="{field.name}" type="{field.kind}" value="{escape(field.value)}" required'
        f' autocomplete="{field.fill}" autocapitalize="none" spellcheck="false" maxlength="300"{described}'
        f"{' autofocus' if focus else ''}>{told}</div>"
    )
