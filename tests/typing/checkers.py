"""mypy and pyright on the scripts beside this file: which lines they find fault with."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

FOLDER = Path(__file__).parent
SCRIPTS = ("good.py", "mistakes.py")


def marked(name):
    """The lines of a script that say that they are a mistake."""
    lines = (FOLDER / name).read_text().splitlines()
    return [number for number, line in enumerate(lines, 1) if line.endswith("  # mistake")]


def copied(folder):
    """The scripts in a folder of their own, where no configuration of the repository holds."""
    for name in SCRIPTS:
        shutil.copy(FOLDER / name, folder)
    return folder


def mypy(folder, python=None, paths=()):
    """{script: lines with errors}, as mypy sees unidl on `paths` or where `python` has it."""
    # Errors of the scripts alone: unidl's own are the business of `make lint`.
    options = ["--follow-imports=silent", "--check-untyped-defs", "--no-error-summary"]
    where = ["--python-executable", str(python)] if python else []
    search = {"MYPYPATH": os.pathsep.join(map(str, paths))}
    command = [sys.executable, "-m", "mypy", *options, *where, "--cache-dir", folder / "cache"]
    output = _output([*command, *SCRIPTS], folder, search)
    found = {name: set() for name in SCRIPTS}
    for line in output.splitlines():
        place = re.match(r"([\w.]+):(\d+): error", line)
        assert place or ": note: " in line, output
        if place:
            found[place[1]].add(int(place[2]))
    return {name: sorted(lines) for name, lines in found.items()}


def pyright(folder, python=None, paths=()):
    """The same, as pyright sees it."""
    settings = {"typeCheckingMode": "standard", "extraPaths": list(map(str, paths))}
    (folder / "pyrightconfig.json").write_text(json.dumps(settings))
    where = ["--pythonpath", str(python or sys.executable)]
    command = [sys.executable, "-m", "basedpyright", "--outputjson", *where, *SCRIPTS]
    found = {name: set() for name in SCRIPTS}
    for each in json.loads(_output(command, folder, {}))["generalDiagnostics"]:
        if each["severity"] == "error":
            found[Path(each["file"]).name].add(each["range"]["start"]["line"] + 1)
    return {name: sorted(lines) for name, lines in found.items()}


def _output(command, folder, extra):
    """What a checker prints; its exit status only says whether it found something."""
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "MYPYPATH")}
    done = subprocess.run(
        list(map(str, command)), cwd=folder, env=inherited | extra, capture_output=True, text=True
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return done.stdout
