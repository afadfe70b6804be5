"""Program: the calls that were captured, made into a Python function."""

from __future__ import annotations

import itertools
import linecache
import math
import weakref
from contextlib import contextmanager

from unidl.tracing.capture.rewrites import Call, rewritten
from unidl.tracing.capture.symbol import KeySymbol, Symbol

_programs = itertools.count(1)


class Program:
    """A list of calls `targets = function(arguments)`, in the order in which they were made.

    Each call is without side effects, so what no output needs is left out, and a value is dropped
    after its last use.
    """

    def __init__(self):
        self._calls = []
        self._constants = {}
        self._name_of = {}  # id of a constant -> its name
        self._made = {}  # (function, code of the arguments) -> the result's symbol
        self._numbers = itertools.count(1)
        self._place = ""  # path of the layer whose calls are written down now

    @contextmanager
    def naming(self, path):
        """Inside, calls are written down as those of the layer at `path`."""
        before, self._place = self._place, path
        try:
            yield
        finally:
            self._place = before

    def inner(self):
        """An empty program for a function inside this one: it may use all that was computed so far,
        and shares the constants."""
        program = Program()
        program._constants, program._name_of = self._constants, self._name_of
        program._made, program._numbers = dict(self._made), self._numbers
        program._place = self._place
        return program

    def free(self, outputs, inputs):
        """Names that `outputs` need and that are made outside of this program, except for those of
        `inputs`."""
        needed, kept = self._reached([self._code(o, set()) for o in outputs])
        made = {
            name
            for call in kept
            for name in (call.results if isinstance(call.results, list) else [call.results])
        }
        made |= {i.code for i in inputs}
        return [name for name in sorted(needed - made) if name[0] in "txv"]

    def name(self):
        """A new name for a result."""
        return f"t{next(self._numbers)}"

    def add(self, results, function, args, kwargs):
        """Write down a call whose results got the names `results`, one name or a list of them."""
        self._calls.append(self._call(results, function, args, kwargs))

    def _call(self, results, function, args, kwargs):
        used = set()
        code = self._arguments(args, kwargs, used)
        return Call(results, function, args, kwargs, code, frozenset(used), self._place)

    def once(self, function, args, kwargs, make):
        """The symbol of a call made before with the same arguments, else that of `make()`."""
        key = (function, self._arguments(args, kwargs, set()))
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = make()
        return found

    def _arguments(self, args, kwargs, used):
        return ", ".join(
            [
                *(self._code(a, used) for a in args),
                *(f"{k}={self._code(v, used)}" for k, v in kwargs.items()),
            ]
        )

    def is_constant(self, symbol):
        return symbol.code in self._constants

    def value(self, symbol):
        """The value of a constant."""
        return self._constants[symbol.code]

    def constant(self, value):
        """A name for a value that is the same at each run."""
        name = self._name_of.setdefault(id(value), f"c{len(self._constants)}")
        self._constants[name] = value  # keeps it alive, so that its id stays its own
        return name

    def _code(self, value, used):
        if isinstance(value, Symbol | KeySymbol):
            used.add(value.code)
            return value.code
        if isinstance(value, list) or type(value) is tuple:
            items = ", ".join(self._code(v, used) for v in value)
            return f"[{items}]" if isinstance(value, list) else f"({items},)" if value else "()"
        if (
            value is None
            or isinstance(value, bool | int | str)
            or (isinstance(value, float) and math.isfinite(value))
        ):
            return repr(value)
        return self.constant(value)

    def needed(self, outputs):
        """The names on which `outputs` depend, themselves among them."""
        return self._reached([self._code(o, set()) for o in outputs])[0]

    def _reached(self, outputs):
        """(names that `outputs` depend on, the calls that make them, last ones first)."""
        needed, kept = set(outputs), []
        for call in reversed(self._calls):
            names = call.results if isinstance(call.results, list) else [call.results]
            if needed.intersection(names):
                needed |= call.used
                kept.append(call)
        return needed, kept

    def function(self, inputs, outputs, functions, name="part"):
        """The compiled function (K, N, *inputs) -> tuple of `outputs`; K are the keys and N the
        numbers of the run.

        `functions` gives the function for a name; a call may also be of a constant. The function's
        source is its attribute `source`, and debuggers and tracebacks show it, with the layer's
        path at each line.
        """
        outputs = [self._code(o, set()) for o in outputs]
        _, kept = self._reached(outputs)
        kept = rewritten(kept[::-1], outputs, self._call)[::-1]
        body, alive_after = [], set(outputs) | {i.code for i in inputs}
        for call in kept:
            names = call.results if isinstance(call.results, list) else [call.results]
            last = sorted(n for n in call.used | set(names) if n not in alive_after and n[0] == "t")
            alive_after |= call.used
            body += [f"    del {', '.join(last)}"] if last else []
            body.append(_line(call, names))
        head = f"def program({', '.join(['K', 'N', *(i.code for i in inputs)])}):"
        end = f"    return ({', '.join(outputs)},)" if outputs else "    return ()"
        namespace = {
            call.function: functions(call.function)
            for call in kept
            if call.function not in self._constants
        }
        return _executed([head, *reversed(body), end], namespace | self._constants, name)


def _line(call, names):
    comma = "," if isinstance(call.results, list) and len(names) == 1 else ""
    place = f"  # {call.place}" if call.place else ""
    return f"    {', '.join(names)}{comma} = {call.function}({call.code}){place}"


def _executed(lines, namespace, name):
    """The function `program` of these lines of source, which Python's tools can find."""
    source = "\n".join(lines) + "\n"
    filename = f"<captured {name} {next(_programs)}>"
    exec(compile(source, filename, "exec"), namespace)
    program = namespace["program"]
    program.source = source
    linecache.cache[filename] = len(source), None, source.splitlines(keepends=True), filename
    weakref.finalize(program, linecache.cache.pop, filename, None)
    return program
