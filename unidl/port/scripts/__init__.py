"""Scripts written for other frameworks become scripts for unidl: comments and layout stay.

    unidl port train.py -o ported.py

`port_source` does it for a text, `port_notebook` for a notebook. What becomes of a name is in the
tables of the backends' packages (`BackendSpec.scripts`), which import no framework.
"""

from unidl.port.scripts.ported import Kept, Ported

__all__ = ["Kept", "Ported", "port_notebook", "port_source"]


def port_source(text: str) -> Ported:
    """The script `text`, ported as far as it goes.

    Raises SyntaxError where it is no Python 3, and ImportError without libcst.
    """
    _need_libcst()
    from unidl.port.scripts.whole import port_whole

    return port_whole(text)


def port_notebook(text: str) -> Ported:
    """The Jupyter notebook `text` (nbformat 4), ported as far as it goes: a notebook too. Magics
    and texts stay, outputs go, and what is kept has the number of its cell.

    Raises ValueError where it is no notebook with Python, and ImportError without libcst.
    """
    _need_libcst()
    from unidl.port.scripts import notebooks

    return notebooks.port_notebook(text)


def _need_libcst() -> None:
    try:
        import libcst  # noqa: F401 - only whether it is there
    except ModuleNotFoundError as error:
        raise ImportError(
            "Porting scripts needs libcst, which keeps comments and layout. Install it with: "
            "pip install 'unidl-framework[port]'"
        ) from error
