"""The PyTorch backend of unidl. Importing this package imports no framework."""

from unidl.backend.spec import BackendSpec

spec = BackendSpec(
    name="torch",
    adapter="unidl_torch.adapter:TorchBackend",
    framework="torch",
    distributions=("torch",),
    tensor_roots=("torch",),
    install="pip install 'unidl-framework[torch]'",
    launch="unidl_torch.launch:commands",
    state_dicts="unidl_torch.port.state_dict",
    port={"from_torch": "unidl_torch.port.importer"},
    export={"torch": "unidl_torch.port.exported_program:ExportedProgram"},
    source={"torch": "unidl_torch.port.source.writer:TorchWriter"},
)
