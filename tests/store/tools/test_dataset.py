"""A shared run says what it is and whose, in words and as a schema.org Dataset."""

from __future__ import annotations

import json
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from store import open_run
from store.errors import SpecError
from store.testing import image_run_spec, text_run_spec, write_run
from store.tools.crop import Cut, crop
from store.tools.dataset import README_NAME
from store.tools.info import describe, other_files, render
from store.tools.publication import JSONLD_NAME, LICENCES, Author, publication, restated
from store.tools.share import share

ADA = "Ada Lovelace <0000-0002-1825-0097>"
SAID = publication([ADA, "Charles Babbage"], "cc-by-4.0", "doi:10.1000/182")


def inside(file: Path, name: str) -> str:
    with zipfile.ZipFile(file) as archive:
        return archive.read(name).decode()


def test_a_shared_run_is_a_schema_org_dataset(live_run: Path, tmp_path: Path) -> None:
    file = share(live_run, tmp_path / "run.zip", said=SAID).path
    run = open_run(file)
    document = json.loads(inside(file, JSONLD_NAME))
    assert document["@context"] == "https://schema.org/"
    assert document["@type"] == "Dataset"
    assert document["name"] == run.name
    assert document["identifier"] == run.id
    assert document["license"] == "https://spdx.org/licenses/CC-BY-4.0.html"
    assert document["creditText"] == "doi:10.1000/182"
    assert document["creator"] == [
        {
            "@type": "Person",
            "name": "Ada Lovelace",
            "@id": "https://orcid.org/0000-0002-1825-0097",
        },
        {"@type": "Person", "name": "Charles Babbage"},
    ]
    # What search engines ask of a description.
    assert 50 <= len(document["description"]) <= 5000
    arrays = {each["name"]: each["description"] for each in document["variableMeasured"]}
    assert arrays["layers/conv1/activation"] == "step x probe x y x x x unit, float32"
    assert not any(name.startswith(("history/", "frame_checksum")) for name in arrays)


def test_its_readme_says_who_made_it_and_what_it_holds(live_run: Path, tmp_path: Path) -> None:
    text = inside(share(live_run, tmp_path / "run.zip", said=SAID).path, README_NAME)
    for part in ("# synthetic", "Ada Lovelace", "[CC-BY-4.0](https://spdx.org/", "10.1000/182"):
        assert part in text
    run = open_run(live_run)
    rows = [line for line in text.splitlines() if line.startswith("| layers/")]
    assert len(rows) == sum(
        path.startswith("layers/") and node["node_type"] == "array"
        for path, node in run.nodes.items()
    )
    assert "13 steps, from 0 to 100 updates" in text.replace("\\", "")


def test_what_is_not_stated_is_said_to_be_missing(live_run: Path, tmp_path: Path) -> None:
    file = share(live_run, tmp_path / "run.zip").path
    assert "Licence: not stated" in inside(file, README_NAME)
    assert "license" not in json.loads(inside(file, JSONLD_NAME))
    assert describe(open_run(file))["dataset"] == {
        "authors": [],
        "licence": None,
        "citation": None,
    }


def test_info_says_as_much_and_lists_no_file_of_ours(live_run: Path, tmp_path: Path) -> None:
    run = open_run(share(live_run, tmp_path / "run.zip", said=SAID).path)
    described = describe(run)
    assert described["dataset"] == {
        "authors": [
            {"name": "Ada Lovelace", "orcid": "0000-0002-1825-0097"},
            {"name": "Charles Babbage", "orcid": None},
        ],
        "licence": "CC-BY-4.0",
        "citation": "doi:10.1000/182",
    }
    assert described["other_files"] == []
    assert "licence   CC-BY-4.0" in render(described)


def test_a_run_that_is_shared_on_keeps_what_its_author_said(live_run: Path, tmp_path: Path) -> None:
    made = publication([ADA], "MIT")
    one = share(live_run, tmp_path / "one.zip", said=made).path
    assert inside(one, JSONLD_NAME) == inside(share(one, tmp_path / "two.zip").path, JSONLD_NAME)
    # A citation that was made of the authors is made anew with them.
    again = restated(open_run(one), ["Grace Hopper"])
    assert (again.licence, again.authors) == ("MIT", (Author("Grace Hopper"),))
    text = inside(share(one, tmp_path / "three.zip", said=again).path, JSONLD_NAME)
    assert json.loads(text)["creditText"].startswith("Grace Hopper (")
    assert "Lovelace" not in text


def test_a_readme_of_the_authors_own_stays(live_run: Path, tmp_path: Path) -> None:
    (live_run / README_NAME).write_text("# Mine\n")
    file = share(live_run, tmp_path / "run.zip").path
    assert inside(file, README_NAME) == "# Mine\n"
    assert other_files(open_run(file)) == [README_NAME]
    assert JSONLD_NAME in zipfile.ZipFile(file).namelist()


def test_names_of_a_run_are_text_in_both_files(tmp_path: Path) -> None:
    name = "<script>x</script> [a](b) `c` | d\x1b\n# e"
    run = write_run(tmp_path / "run.zarr", text_run_spec(name), steps=(0,))
    file = share(run, tmp_path / "run.zip").path
    text = inside(file, README_NAME)
    assert r"\<script\>x\</script\> \[a\](b) \`c\` \| d" in text
    assert "\x1b" not in text
    assert "\n# e" not in text
    assert "</script" not in inside(file, JSONLD_NAME)
    assert json.loads(inside(file, JSONLD_NAME))["name"] == name


def test_what_was_dropped_is_in_neither_file(tmp_path: Path) -> None:
    spec = replace(image_run_spec(), notes="a secret note")
    run = write_run(tmp_path / "run.zarr", spec, steps=(0,))
    assert "a secret note" in inside(share(run, tmp_path / "whole.zip").path, README_NAME)
    cut = crop(run, tmp_path / "cut.zarr", Cut(drop=["notes", "weights"])).path
    file = share(cut, tmp_path / "cut.zip").path
    for name in (README_NAME, JSONLD_NAME):
        assert "secret" not in inside(file, name)
        assert "kernel" not in inside(file, name)


@pytest.mark.parametrize(
    "content",
    [
        b"{",
        b"[]",
        b'{"creator": 3}',
        b'{"creator": [3, null, {"name": ["x"], "@id": {}}]}',
        b'{"license": "none of these"}',
        b'{"creator": [{"name": "x", "@id": "https://orcid.org/1"}]}',
        b'{"creditText": "' + b"x" * 3000 + b'"}',
        '{"creditText": "\u202e\x1b"}'.encode(),
        b"x" * (9 * 1024 * 1024),
    ],
    ids=range(9),
)
def test_a_strangers_document_can_do_no_harm(live_run: Path, content: bytes) -> None:
    (live_run / JSONLD_NAME).write_bytes(content)
    assert describe(open_run(live_run))["dataset"]["licence"] is None
    render(describe(open_run(live_run)))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"licence": "CC-BY4"}, "Did you mean 'CC-BY-4.0'"),
        ({"licence": "apache2"}, "Did you mean 'Apache-2.0'"),
        ({"authors": [""]}, "An author is a name"),
        ({"authors": ["Ada <0000-0002-1825-0098>"]}, "is no ORCID of Ada"),
        ({"authors": ["Ada <ada@example.org>"]}, "is no ORCID of Ada"),
        ({"authors": ["Ada <"]}, "An author is a name"),
        ({"cite": "x" * 2001}, "citation must be a text of at most"),
        ({"authors": ["\x1b[2J"]}, "can be printed"),
    ],
)
def test_what_an_author_says_is_checked(arguments: dict[str, Any], message: str) -> None:
    with pytest.raises(SpecError, match=message.replace("[", r"\[")):
        publication(**arguments)


@pytest.mark.parametrize("licence", [*LICENCES, "LicenseRef-our-lab.1", ""])
def test_every_licence_is_taken_in_any_case(licence: str) -> None:
    own = licence.startswith("LicenseRef")
    assert publication(licence=licence if own else licence.lower()).licence == licence
