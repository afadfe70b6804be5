"""State dicts of other frameworks onto models of unidl that were written by hand."""
