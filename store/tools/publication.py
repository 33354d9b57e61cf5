"""Who made a run, under which licence, and how it is cited: what only its author can say.

`store.tools.dataset` puts it into the zip that is shared, and it is read from there again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from store.errors import SpecError, did_you_mean
from store.format import strict_json
from store.reading.run import Run
from store.terminal import printable

JSONLD_NAME = "dataset.jsonld"
ORCID = "https://orcid.org/"
SPDX = "https://spdx.org/licenses/"

# Of a document that comes from a stranger; one entry an array.
MOST_BYTES = 8 * 1024 * 1024
MOST_AUTHORS = 1000
MOST_CHARACTERS = 2000

# Identifiers of https://spdx.org/licenses that data and trained networks are given out under.
LICENCES = (
    *("CC0-1.0", "CC-BY-4.0", "CC-BY-SA-4.0", "CC-BY-NC-4.0", "CC-BY-ND-4.0", "CC-BY-NC-SA-4.0"),
    *("CC-BY-NC-ND-4.0", "CC-BY-3.0", "CC-BY-SA-3.0", "CC-BY-NC-3.0", "CC-BY-NC-SA-3.0"),
    *("CC-PDDC", "PDDL-1.0", "ODbL-1.0", "ODC-By-1.0", "CDLA-Permissive-1.0"),
    *("CDLA-Permissive-2.0", "CDLA-Sharing-1.0", "C-UDA-1.0", "O-UDA-1.0", "DL-DE-BY-2.0"),
    *("etalab-2.0", "OGL-UK-3.0", "OGL-Canada-2.0", "MIT", "MIT-0", "Apache-2.0", "BSD-2-Clause"),
    *("BSD-3-Clause", "ISC", "0BSD", "Unlicense", "MPL-2.0", "EPL-2.0", "EUPL-1.2", "CECILL-2.1"),
    *("Artistic-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later"),
    *("LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later"),
    *("AGPL-3.0-only", "AGPL-3.0-or-later", "GFDL-1.3-only", "GFDL-1.3-or-later", "LPPL-1.3c"),
)
_OWN_LICENCE = re.compile(r"LicenseRef-[A-Za-z0-9.-]+")
_AUTHOR = re.compile(r"(?P<name>[^<>]+?)(?:\s*<(?P<orcid>[^<>]*)>)?")


@dataclass(frozen=True, slots=True)
class Author:
    """Someone who made a run.

    Attributes
    ----------
    name : str
        As it is to be cited.
    orcid : str
        Identifier of https://orcid.org, 16 digits in four groups; empty: not stated.
    """

    name: str
    orcid: str = ""

    def __str__(self) -> str:
        return f"{self.name} <{self.orcid}>" if self.orcid else self.name


@dataclass(frozen=True, slots=True)
class Publication:
    """What only the author of a run can say of it.

    Attributes
    ----------
    authors : tuple of Author
        In their order.
    licence : str
        SPDX identifier; empty: not stated.
    cite : str
        How to cite it: a text, a DOI or an address; empty: as `citation` makes it.
    """

    authors: tuple[Author, ...] = ()
    licence: str = ""
    cite: str = ""


def publication(
    authors: Sequence[str] = (), licence: str | None = None, cite: str | None = None
) -> Publication:
    """Check what an author says of a run.

    Parameters
    ----------
    authors : sequence of str
        Names, each with an ORCID in angle brackets if there is one.
    licence : str, optional
        SPDX identifier of a licence in `LICENCES`, in any case of letters, or
        ``LicenseRef-NAME`` for any other.
    cite : str, optional
        How the run is to be cited.

    Raises
    ------
    SpecError
        A name is empty, an ORCID has a wrong digit, or the licence is not known.

    Examples
    --------
    >>> publication(["Ada Lovelace <0000-0002-1825-0097>"], "cc-by-4.0").licence
    'CC-BY-4.0'
    """
    made = tuple(map(_author, authors))
    return Publication(made, _licence(licence or ""), _line("citation", cite or ""))


def _author(text: str) -> Author:
    found = _AUTHOR.fullmatch(_line("author", text))
    if found is None:
        raise SpecError(
            f"An author is a name, with an ORCID in angle brackets if there is one; got {text!r}."
        )
    orcid = (found["orcid"] or "").strip().removeprefix(ORCID)
    if found["orcid"] is not None and not _is_orcid(orcid):
        raise SpecError(
            f"{orcid!r} is no ORCID of {found['name']}: expected four groups of four digits, of "
            "which the last one checks the others, such as 0000-0002-1825-0097."
        )
    return Author(found["name"], orcid)


def _is_orcid(text: str) -> bool:
    """Whether the last digit is the checksum of the others, by ISO 7064 11,2."""
    if not re.fullmatch(r"[0-9]{4}(-[0-9]{4}){2}-[0-9]{3}[0-9X]", text):
        return False
    digits = text.replace("-", "")
    total = 0
    for digit in digits[:-1]:
        total = (total + int(digit)) * 2
    return digits[-1] == "0123456789X"[(12 - total % 11) % 11]


def _licence(text: str) -> str:
    text = text.strip()
    if not text or _OWN_LICENCE.fullmatch(text):
        return text
    known = {name.casefold(): name for name in LICENCES}
    if text.casefold() in known:
        return known[text.casefold()]
    raise SpecError(
        f"{text!r} is no licence that is known here by its SPDX identifier. "
        f"{did_you_mean(text, LICENCES)} Any other is named LicenseRef-NAME."
    )


def _line(what: str, text: str) -> str:
    line = " ".join(text.split())
    if len(line) > MOST_CHARACTERS or line != printable(line):
        raise SpecError(
            f"The {what} must be a text of at most {MOST_CHARACTERS:,} characters that can be "
            f"printed, got {text!r:.80}."
        )
    return line


def restated(
    run: Run, authors: Sequence[str] = (), licence: str | None = None, cite: str | None = None
) -> Publication:
    """Check what an author says of a run; what he leaves open is as the run says already.

    Parameters
    ----------
    run : Run
        Perhaps shared before.
    authors, licence, cite
        As for `publication`.

    Raises
    ------
    SpecError
        As of `publication`.
    """
    before, new = stated(run), publication(authors, licence, cite)
    return Publication(
        new.authors or before.authors, new.licence or before.licence, new.cite or before.cite
    )


def stated(run: Run) -> Publication:
    """Read what the author of a shared run has said of it; of a damaged document nothing.

    Parameters
    ----------
    run : Run
        Perhaps from a stranger.
    """
    try:
        content = run.source.read(JSONLD_NAME, 0, MOST_BYTES + 1)
        document = strict_json.parse(content) if len(content) <= MOST_BYTES else None
        said = _read(document) if isinstance(document, dict) else Publication()
    except (OSError, ValueError, TypeError):  # it is not there, or not as we write it
        return Publication()
    made = replace(said, cite="")
    return made if said.cite == citation(run, made) else said


def _read(document: Mapping[str, Any]) -> Publication:
    licence = str(document.get("license", "")).removeprefix(SPDX).removesuffix(".html")
    people = [each for each in document.get("creator", ()) if isinstance(each, dict)]
    authors = [_read_author(each) for each in people[:MOST_AUTHORS]]
    return publication(authors, licence, str(document.get("creditText", "")))


def _read_author(person: Mapping[str, Any]) -> str:
    name, identifier = str(person.get("name", "")), str(person.get("@id", ""))
    return f"{name} <{identifier}>" if identifier else name


def citation(run: Run, said: Publication) -> str:
    """Give the line by which a run is cited: the author's own, or one made of who, when and what.

    Parameters
    ----------
    run : Run
        The run.
    said : Publication
        What its author says.
    """
    if said.cite:
        return said.cite
    who = ", ".join(author.name for author in said.authors)
    what = f"{printable(run.name)}: a recorded training [data set], run {run.id}."
    return f"{who} ({run.created:%Y}). {what}" if who else f"{what[:-1]}, {run.created:%Y}."
