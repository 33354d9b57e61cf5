"""The directive ``commands``: every command of the program, as its ``--help`` has it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click
from docutils import nodes
from docutils.parsers.rst import Directive

WIDTH = 88


class Commands(Directive):
    """A section for each command, with what ``--help`` prints."""

    has_content = False

    def run(self) -> list[nodes.Node]:
        """Make the sections."""
        from explorer.cli import main

        return list(self._sections(main))

    def _sections(self, group: click.Command) -> Iterator[nodes.Node]:
        assert isinstance(group, click.Group)
        context = click.Context(group, info_name="trainlapse", max_content_width=WIDTH)
        for name in group.list_commands(context):
            command = group.get_command(context, name)
            if command is None or command.hidden:
                continue
            inner = click.Context(
                command,
                info_name=name,
                parent=context,
                terminal_width=WIDTH,
                max_content_width=WIDTH,
            )
            text = command.get_help(inner)
            section = nodes.section(ids=[f"command-{name}"], names=[f"command-{name}"])
            section += nodes.title("", f"trainlapse {name}")
            section += nodes.literal_block(text, text, language="text")
            yield section


def setup(app: Any) -> dict[str, bool]:
    """Register the directive."""
    app.add_directive("commands", Commands)
    return {"parallel_read_safe": True}
