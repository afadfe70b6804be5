"""`python -m unidl_mxnet.server`: a scheduler or server of the kvstore, by DMLC_ROLE.

It serves while MXNet is imported, and ends when all workers have.
"""

from unidl_mxnet.load import load_mxnet

if __name__ == "__main__":
    load_mxnet()
