"""What an adapter package says of itself before its framework is imported."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class BackendSpec:
    """Registered under the entry-point group `unidl.backends` as `<name> = "unidl_<name>:spec"`.

    name: what users write in `UNIDL_BACKEND`.
    adapter: "package.module:Class" of the `Backend` subclass; importing it imports the framework.
    framework: the framework's import name.
    distributions: its names on the package index, the first installed one tells the version.
    tensor_roots: top-level modules of the tensor types, by which an object is recognised without an
    import. install: the command that installs the framework.
    port: {name of a function in `unidl.port`, such as "from_mine": the module that has it}.
    files: {the end of a file's name, such as "-mine.json": "package.module:function" that reads it,
    as (path, example inputs, path of weights, verify)}.
    source: {name of a framework: "package.module:Class" of what writes models for it}.
    export: {format of exported models: "package.module:Class" of what writes it, an
    `unidl.port.exports.format.Format`}.
    state_dicts: the module whose `naming` tells how the framework's state dicts call their arrays,
    a `unidl.port.state_dict.naming.Naming`; importing it imports no framework.
    launch: "package.module:function" that gives the commands which start several processes, of a
    `unidl.distribution.command.Wanted`; "" where the backend offers one alone.
    scripts: {package that scripts import: "package.module:Class" of the table that ports them}.

    Examples:
        >>> spec = unidl.backend.BackendSpec(
        ...     name="mine",
        ...     adapter="unidl_mine:MineBackend",
        ...     framework="mine",
        ...     distributions=("mine",),
        ...     tensor_roots=("mine",),
        ...     install="pip install unidl-mine",
        ... )
        >>> spec.name
        'mine'
    """

    name: str
    adapter: str
    framework: str
    distributions: tuple[str, ...]
    tensor_roots: tuple[str, ...]
    install: str
    port: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)
    source: dict[str, str] = field(default_factory=dict)
    export: dict[str, str] = field(default_factory=dict)
    state_dicts: str = ""
    launch: str = ""
    scripts: dict[str, str] = field(default_factory=dict)
