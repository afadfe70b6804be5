"""Models as programs of other runtimes, by one call on tensors that have no value.

`recording.py` is the contract on such tensors; `onnx_out` writes what it records as ONNX,
`relay.py` hands it to a framework that traces. What every format has is here: what a model takes
(`signature.py`), and the proof that the file computes what the model does (`proof.py`).
"""
