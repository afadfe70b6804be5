"""Constructors whose errors say which class was given which argument, and what it takes."""

from __future__ import annotations

import functools
import inspect
import re
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any, ClassVar, TypeVar, cast

from unidl.utils.arguments import unknown_arguments
from unidl.utils.descriptions import description
from unidl.utils.naming import is_of_unidl
from unidl.utils.rules import Rule, choice_problem
from unidl.utils.suggestions import UnknownName

F = TypeVar("F", bound=Callable[..., Any])


def _cached(function: F) -> F:
    """`functools.cache`, with the function's own signature: mypy holds classes for unhashable."""
    return cast(F, cache(function))


@_cached
def constructor_arguments(cls: Any) -> dict[str, object]:
    """Names and defaults of all arguments that the constructors of `cls` and its bases take, own
    ones first."""
    arguments: dict[str, object] = {}
    for base in cls.__mro__:
        if "__init__" in vars(base) and base is not object:
            parameters = list(inspect.signature(base.__init__).parameters.items())
            for name, parameter in parameters[1:]:  # but for the object, however it is called
                if parameter.kind not in (
                    parameter.VAR_POSITIONAL,
                    parameter.VAR_KEYWORD,
                ):
                    arguments.setdefault(name, parameter.default)
    return arguments


class Constructed:
    """A base of classes whose constructors check arguments, in words that begin with the class.

    Attributes:
        _rules: {argument: Rule} of the constructor in the same class body. A subclass' constructor
            has rules of its own, or none.
        _rules_by_name: those of arguments that mean one thing in all of unidl's own subclasses.
        _set_by_base: an attribute that the constructor of the public base sets, without which its
            subclasses do not work; "" if they do.
    """

    _rules: ClassVar[Mapping[str, Rule]] = {}
    _rules_by_name: ClassVar[Mapping[str, Rule]] = {}
    _set_by_base: ClassVar[str] = ""

    def _essentials(self) -> dict[str, Any]:
        """{name: value} of what `repr` tells in any case."""
        return {}

    def __repr__(self) -> str:
        if not _is_ready(self):
            return f"<{type(self).__name__}, not made yet>"
        return description(self, self._essentials())

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        if "__init__" in vars(cls):
            rules = vars(cls).get("_rules", {})
            if is_of_unidl(cls):
                names = inspect.signature(cls.__init__).parameters
                by_name = {n: r for n, r in cls._rules_by_name.items() if n in names}
                rules = {**by_name, **rules}
            cls.__init__ = _naming_its_class(cls.__init__, rules)  # type: ignore[method-assign]


def _naming_its_class(init: Any, rules: Mapping[str, Rule]) -> Any:
    """`init` that follows the `rules`, and whose errors on arguments begin with the name of the
    outermost class."""
    signature = inspect.signature(init)

    @functools.wraps(init)
    def naming(self: Any, *args: Any, **kwargs: Any) -> None:
        cls = type(self)
        if rules:
            _follow(cls, rules, signature, (self, *args), kwargs)
        try:
            init(self, *args, **kwargs)
        except UnknownName as error:
            raise error.by(
                cls.__name__, _name_of(error.value, signature, (self, *args), kwargs)
            ) from None
        except TypeError as error:
            # A traceback that ends here: the call itself failed, and nothing inside it.
            if getattr(error.__traceback__, "tb_next", None) is not None:
                raise
            raise TypeError(_about_arguments(cls, str(error), args, kwargs)) from None
        except AttributeError as error:
            if _is_ready(self):
                raise
            raise without_super(cls) from error
        if cls.__init__ is naming and not _is_ready(self):
            raise without_super(cls)

    return naming


def _name_of(value: Any, signature: Any, args: Any, kwargs: Any) -> str:
    """The argument that is `value`, "" if none is or several are."""
    given = signature.bind(*args, **kwargs).arguments
    given |= given.pop("kwargs", {})
    found = [name for name, each in given.items() if each is value and name != "self"]
    return found[0] if value is not None and len(found) == 1 else ""


def _follow(cls: Any, rules: Any, signature: Any, args: Any, kwargs: Any) -> None:
    try:
        given = signature.bind(*args, **kwargs).arguments
    except TypeError:
        return  # the constructor itself raises the same
    for name, rule in rules.items():
        if name in given and not rule.allows(given[name]):
            problem = (
                choice_problem(name, given[name], rule.choices)
                if rule.choices
                else f"{name} must be {rule.words}, got {given[name]!r}."
            )
            raise ValueError(f"{cls.__name__}: {problem}")


def _about_arguments(cls: Any, problem: str, args: Any, kwargs: Any) -> str:
    """The text of an error on the number or the names of arguments."""
    known = [name for name in constructor_arguments(cls) if not name.startswith("_")]
    unknown = unknown_arguments(kwargs, known)
    problem = re.sub(r"^[\w.<>]+(?=\.__init__\(\))", cls.__name__, problem)
    if unknown:
        return f"{cls.__name__ if 'unexpected' in problem else problem}: {unknown}"
    return f"{problem}. It takes: {', '.join(known)}."


def _is_ready(obj: Any) -> bool:
    return not obj._set_by_base or obj._set_by_base in vars(obj)


def without_super(cls: Any) -> RuntimeError:
    return RuntimeError(
        f"{cls.__name__}: __init__() did not call super().__init__(), which must come first. "
        "Write: def __init__(self, ...): super().__init__(), then everything else."
    )


def made_from(cls: Any, config: Any) -> Any:
    """The dict `config`, or an error that says what `cls.from_config` takes."""
    if not isinstance(config, Mapping) or not all(isinstance(key, str) for key in config):
        raise TypeError(
            f"{cls.__name__}.from_config: expected the dict that get_config() returns, got "
            f"{config!r} of type {type(config).__name__}."
        )
    return config
