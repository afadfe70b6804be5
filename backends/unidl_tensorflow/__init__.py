"""unidl on TensorFlow. Importing this package imports no TensorFlow; the adapter does."""

from unidl.backend.spec import BackendSpec

spec = BackendSpec(
    name="tensorflow",
    adapter="unidl_tensorflow.adapter:TensorFlowBackend",
    framework="tensorflow",
    distributions=("tensorflow", "tensorflow-cpu"),
    tensor_roots=("tensorflow",),
    install="pip install 'unidl-framework[tensorflow]'",
    launch="unidl_tensorflow.launch:commands",
    source={"keras": "unidl_keras.source.writer:KerasWriter"},
    export={
        "tf_saved_model": "unidl_tensorflow.port.saved_model:SavedModel",
        "litert": "unidl_tensorflow.port.litert:LiteRT",
    },
    port={"from_keras": "unidl_keras.importer"},  # Keras comes with it, whichever backend it uses
    scripts={
        "keras": "unidl_keras.scripts.source:KerasSource",
        "tensorflow": "unidl_keras.scripts.source:KerasSource",
    },
)
