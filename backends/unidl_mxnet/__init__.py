"""The MXNet 1.9.1 adapter. Importing this package imports no framework."""

from unidl.backend.spec import BackendSpec

spec = BackendSpec(
    name="mxnet",
    adapter="unidl_mxnet.adapter:MXNetBackend",
    framework="mxnet",
    distributions=("mxnet",),
    tensor_roots=("mxnet", "unidl_mxnet"),
    install="pip install 'unidl-framework[mxnet]'",
    launch="unidl_mxnet.launch:commands",
    state_dicts="unidl_mxnet.port.state_dict",
    port={"from_gluon": "unidl_mxnet.port.importer"},
    files={"-symbol.json": "unidl_mxnet.port.importer:from_gluon"},
    source={"gluon": "unidl_mxnet.port.source.writer:GluonWriter"},
    export={"mxnet": "unidl_mxnet.port.symbol_files:SymbolFiles"},
    scripts={"mxnet": "unidl_mxnet.port.scripts.source:GluonSource"},
)
