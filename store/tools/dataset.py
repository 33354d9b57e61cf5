"""A run as a dataset: two files in the zip that is shared say what it is and whose.

``README.md`` is for people, ``dataset.jsonld`` for data archives and search engines, in the terms
of https://schema.org/Dataset.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from store.errors import listed
from store.format.names import CHECKSUMS, HISTORY_PREFIX
from store.format.parts import full_name
from store.reading.run import Run
from store.terminal import printable
from store.tools.info import README_MARK, README_NAME, has_own_readme, models_of
from store.tools.publication import (
    JSONLD_NAME,
    LICENCES,
    ORCID,
    SPDX,
    Author,
    Publication,
    citation,
)


def jsonld(run: Run, said: Publication) -> bytes:
    """Describe a run as a schema.org Dataset.

    Parameters
    ----------
    run : Run
        As it is given out.
    said : Publication
        What its author says.

    Returns
    -------
    bytes
        JSON-LD; safe inside of a page's ``<script>``, too.
    """
    versions = run.attributes.get("versions", {})
    document: dict[str, Any] = {
        "@context": "https://schema.org/",
        "@type": "Dataset",
        "name": run.name,
        "description": _summary(run),
        "identifier": run.id,
        "creator": [_person(author) for author in said.authors],
        "license": _address(said.licence),
        "creditText": citation(run, said),
        "dateCreated": run.attributes["created"],
        "keywords": ["neural network training", "deep learning", "Zarr", "Trainlapse"],
        "measurementTechnique": [f"{name} {version}" for name, version in versions.items()],
        "variableMeasured": [
            {
                "@type": "PropertyValue",
                "name": path,
                "description": f"{' x '.join(node['dimension_names'])}, {node['data_type']}",
            }
            for path, node in _arrays(run)
        ],
        "distribution": {"@type": "DataDownload", "encodingFormat": "application/zip"},
        "schemaVersion": f"Trainlapse {run.attributes['schema_version']}",
    }
    document = {key: value for key, value in document.items() if value not in ("", [])}
    text = json.dumps(document, indent=1)
    return text.replace("<", "\\u003c").encode()


def _person(author: Author) -> dict[str, str]:
    named = {"@type": "Person", "name": author.name}
    return {**named, "@id": ORCID + author.orcid} if author.orcid else named


def _address(licence: str) -> str:
    return f"{SPDX}{licence}.html" if licence in LICENCES else licence


def _arrays(run: Run) -> list[tuple[str, Mapping[str, Any]]]:
    """List the arrays that a reader meets: not their time-major copies, nor checksums."""
    return [
        (path, node)
        for path, node in run.nodes.items()
        if node["node_type"] == "array" and not path.startswith((HISTORY_PREFIX, CHECKSUMS))
    ]


def _summary(run: Run) -> str:
    models = models_of(run)
    layers = [full_name(name, model.part) for model in models for name in model.layers]
    count = len(run.steps)
    span = f", from {run.steps[0]} to {run.steps[-1]} updates" if count else ""
    probes = sum(model.probe.size for model in models if model.probe is not None)
    return (
        f"The training of a neural network, recorded at {count} steps{span}: of {len(layers)} "
        f"layers ({listed(layers)}) the weights and their outputs for {probes} probe inputs, as "
        "far as they are listed here, with loss and metrics. An open Zarr v3 hierarchy with named "
        "dimensions."
    )


def readme(run: Run, said: Publication) -> bytes:
    """Describe a run to people who meet it as a file.

    Parameters
    ----------
    run : Run
        As it is given out.
    said : Publication
        What its author says.

    Returns
    -------
    bytes
        Markdown; names from the run are text in it, never markup.
    """
    authors = [
        f"{_plain(author.name)} ([{author.orcid}]({ORCID}{author.orcid}))"
        if author.orcid
        else _plain(author.name)
        for author in said.authors
    ]
    versions = run.attributes.get("versions", {})
    lines = [
        README_MARK,
        f"# {_plain(run.name)}",
        "",
        _plain(_summary(run)),
        "",
        "## Who, and what you may do with it",
        "",
        f"- Authors: {', '.join(authors) or 'not stated'}",
        f"- Licence: {_licence_text(said.licence)}",
        f"- Cite as: {_plain(citation(run, said))}",
        f"- Recorded: {run.created:%Y-%m-%d %H:%M}, run `{run.id}`",
    ]
    if versions:
        made = ", ".join(f"{name} {version}" for name, version in versions.items())
        lines.append(f"- Made with: {_plain(made)}")
    if run.attributes.get("notes"):
        lines += ["", "## Notes", "", _plain(run.attributes["notes"])]
    lines += [
        "",
        "## Look at it",
        "",
        "The zip file opens in place; nothing is unpacked, and nothing in it is executed.",
        "",
        "```sh",
        "pip install trainlapse",
        "trainlapse explore FILE.zip",
        "```",
        "",
        "Without Trainlapse, unzip it and read it with any reader of Zarr v3:",
        "",
        "```python",
        "import xarray",
        'xarray.open_datatree("FOLDER", engine="zarr", chunks=None)',
        "```",
        "",
        "## Contents",
        "",
        "| array | dimensions | shape | type |",
        "|---|---|---|---|",
    ]
    lines += [
        f"| {_plain(path)} | {_plain(', '.join(node['dimension_names']))} "
        f"| {' x '.join(map(str, node['shape'])) or 'one value'} | {node['data_type']} |"
        for path, node in _arrays(run)
    ]
    return ("\n".join(lines) + "\n").encode("utf-8", "replace")


def _licence_text(licence: str) -> str:
    if not licence:
        return "not stated: ask the authors before you use it"
    return f"[{licence}]({_address(licence)})" if licence in LICENCES else licence


def _plain(text: str) -> str:
    """Escape what Markdown or HTML would take for markup, and what is no printed character."""
    return re.sub(r"([\\`*_{}\[\]<>#|~&!])", r"\\\1", printable(" ".join(str(text).split())))


def files(run: Run, said: Publication) -> dict[str, bytes]:
    """Give the files that describe a run, by name; a README of its author's own stays.

    Parameters
    ----------
    run : Run
        As it is given out.
    said : Publication
        What its author says.
    """
    made = {JSONLD_NAME: jsonld(run, said)}
    if not has_own_readme(run):
        made[README_NAME] = readme(run, said)
    return made
