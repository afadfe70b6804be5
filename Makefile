# Each target makes the environment that it needs; a stamp file in the environment says that it is complete, so a
# second run installs nothing until something in INSTALLED_FROM changes.

PYTHON ?= $(shell command -v python3.11 || echo python3)
NEW_PYTHON ?= $(shell command -v python3.12 || echo python3)
VENV := .venv
DEMO := .venv-demo
NUMPY2 := .venv-numpy2
JAX := .venv-jax
NEWEST_JAX := .venv-jax-newest
ZOO := .venv-zoo
# An editable install lists the top-level packages once, so an adapter added to backends/ asks for a new one.
INSTALLED_FROM := pyproject.toml constraints.txt backends
PIP_INSTALL := -m pip install --quiet --disable-pip-version-check

# Small kernels are slower on two threads than on one, and the test processes would fight for the cores.
ONE_THREAD := OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1
QUIET := TF_CPP_MIN_LOG_LEVEL=2
# What JAX has compiled, kept for the next run.
JAX_CACHE := JAX_COMPILATION_CACHE_DIR=$(CURDIR)/build/jax-cache JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0 JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES=-1
# Several devices, where there are none but the processor.
JAX_DEVICES := XLA_FLAGS=--xla_force_host_platform_device_count=4
JAX_PYTEST := $(ONE_THREAD) $(JAX_CACHE) $(JAX_DEVICES) UNIDL_TEST_BACKENDS=numpy,jax $(JAX)/bin/python -m pytest
PYTEST := $(ONE_THREAD) $(QUIET) $(VENV)/bin/python -m pytest

.PHONY: outside-truth zoo demo test abuse chaos test-slow test-distributed test-isa test-order fuzz lint coverage capabilities test-numpy2 test-jax test-jax-newest test-packaging conformance conformance-jax bench clean

demo: $(DEMO)/.complete
	$(DEMO)/bin/python examples/digits_cnn.py

# Tests which measure time or memory run after the others, alone. Exit status 5 means that there are none.
test: export UNIDL_TEST_BACKENDS = numpy,torch,tensorflow,mxnet
test: $(VENV)/.complete lint
	$(PYTEST) -n 2 --dist loadgroup -m "not packaging and not serial and not slow and not fuzz"
	$(PYTEST) -m "serial and not packaging and not slow" || [ $$? -eq 5 ]

# The longer sweeps: torch.compile, examples that train until they have learned.
test-slow: $(VENV)/.complete
	$(PYTEST) -n 2 -m "slow and not serial"
	$(PYTEST) -m "slow and serial"

# Runs in 2, 3 and 4 processes, on all backends, against one process, and what goes wrong in one of them. JAX takes part if its environment is there (`make .venv-jax/.complete`).
test-distributed: $(VENV)/.complete
	$(PYTEST) tests/distribution
	[ ! -e $(JAX)/.complete ] || $(JAX_PYTEST) --backend jax tests/distribution

# What other processors would compute: the suites that judge numbers, under the kernels that they would choose.
ISA ?=
test-isa: $(VENV)/.complete
	$(QUIET) $(VENV)/bin/python -m tools.other_kernels $(ISA)

# The suite five times, in five orders and with five seeds of Python's hashes.
ORDERS ?= 1 2 3 4 5
test-order: export UNIDL_TEST_BACKENDS = numpy,torch,tensorflow,mxnet
test-order: $(VENV)/.complete
	for seed in $(ORDERS); do PYTHONHASHSEED=$$seed $(PYTEST) -n 2 --dist loadgroup --shuffle $$seed -m "not packaging and not serial and not slow and not fuzz" || exit 1; done

# Wrong use of everything, each backend in a process of its own: what is told, right, unclear, silent, or a crash.
abuse: export UNIDL_TEST_BACKENDS = numpy,torch,tensorflow,mxnet
abuse: $(VENV)/.complete
	$(ONE_THREAD) $(QUIET) $(VENV)/bin/python -m tests.abuse

# Damaged files: MUTATIONS of each format. Random layers, models and training runs for SECONDS each, from SEED on; a finding comes with its seed and its smallest example.
SECONDS ?= 20
SEED ?= 0
MUTATIONS ?= 10000
fuzz: $(VENV)/.complete
	UNIDL_FUZZ_SECONDS=$(SECONDS) UNIDL_FUZZ_SEED=$(SEED) UNIDL_FUZZ_MUTATIONS=$(MUTATIONS) $(PYTEST) -m fuzz -rP --timeout 0 tests/fuzz

# Training that is killed by the system KILLS times at random moments, on each backend; and one of two processes of a run, WORKERS times, which `unidl launch` starts again.
KILLS ?= 200
WORKERS ?= 25
chaos: $(VENV)/.complete
	for backend in numpy torch tensorflow mxnet; do UNIDL_BACKEND=$$backend UNIDL_KILLS=$(KILLS) $(PYTEST) --timeout 0 tests/callbacks/test_backup_and_restore.py -s -k "killed_by_the_system" || exit 1; done
	for backend in numpy torch tensorflow mxnet; do UNIDL_KILLS=$(WORKERS) $(PYTEST) --timeout 0 -m slow --backend $$backend tests/distribution/test_faults.py -s -k "die_at_random" || exit 1; done

lint: $(VENV)/.complete
	$(VENV)/bin/ruff check
	$(VENV)/bin/ruff format --check
	$(VENV)/bin/mypy

# docs/coverage.md: what Keras has beside what there is here.
coverage: $(VENV)/.complete
	$(QUIET) $(VENV)/bin/python tools/coverage.py

# docs/capabilities.md: which functions of the contract have a native kernel on which backend.
capabilities: $(VENV)/.complete
	$(QUIET) $(VENV)/bin/python tools/capabilities.py

# The core, NumPy and torch run on NumPy 2 as well; TensorFlow and MXNet are absent here, and their tests skip.
test-numpy2: $(NUMPY2)/.complete
	$(ONE_THREAD) $(NUMPY2)/bin/python -m pytest -n 2 --dist loadgroup -m "not packaging and not serial and not fuzz"

# JAX compiles every eager function for every shape, so its suite takes longer than all the others together.
test-jax: $(JAX)/.complete
	$(JAX_PYTEST) -n 2 --dist loadgroup --backend jax tests/conformance tests/verify
	$(JAX_PYTEST) -m "not slow" tests/backends/jax tests/verify/test_clean.py tests/callbacks/test_orbax_checkpoint.py
	$(JAX_PYTEST) -m "not slow" tests/distribution/test_devices.py
	$(JAX_PYTEST) -n 2 -m "not slow" tests/port/source tests/port/test_convert.py

# The newest JAX wants a newer NumPy and Python than the other frameworks do; whole training runs and one case of each function.
test-jax-newest: $(NEWEST_JAX)/.complete
	$(ONE_THREAD) UNIDL_TEST_BACKENDS=numpy,jax $(NEWEST_JAX)/bin/python -m pytest --backend jax tests/conformance/test_trajectories.py
	$(ONE_THREAD) UNIDL_TEST_BACKENDS=numpy,jax $(NEWEST_JAX)/bin/python -m pytest tests/backends/jax
	$(ONE_THREAD) $(NEWEST_JAX)/bin/python -m unidl conformance --backend jax --dtype bfloat16 --dtype float16

# The tables of README.md and docs/conformance.md: JAX first, since it has an environment of its own.
conformance-jax: $(JAX)/.complete
	mkdir -p build
	$(ONE_THREAD) $(JAX_CACHE) $(JAX)/bin/python -m unidl conformance --backend jax --json build/conformance-jax.json

conformance: $(VENV)/.complete
	mkdir -p build
	$(ONE_THREAD) $(QUIET) $(VENV)/bin/python -m unidl conformance --json build/conformance.json
	$(VENV)/bin/python tools/make_conformance.py build/conformance.json $(wildcard build/conformance-jax.json)

test-packaging: $(VENV)/.complete
	$(PYTEST) -m packaging tests/packaging

# What the tests of ONNX, torch and Keras say of unidl: writes docs/outside-truth.md.
outside-truth: $(VENV)/.complete
	$(ONE_THREAD) $(QUIET) $(VENV)/bin/python -W ignore -m tools.outside_truth

# Models that nobody here wrote, through every importer and writer: writes docs/zoo.md. What docs/zoo.json has is not run again; `make zoo ZOO_OPTIONS=--page` only writes the page.
ZOO_OPTIONS ?=
zoo: $(ZOO)/.complete
	$(QUIET) $(ZOO)/bin/python -W ignore -m tools.zoo $(ZOO_OPTIONS)

# At most half an hour. It writes docs/performance.md; `make bench BENCH=--quick` only prints.
BENCH ?= --publish
bench: $(VENV)/.complete
	$(QUIET) $(VENV)/bin/python -m benchmarks $(BENCH)

clean:
	rm -rf $(VENV) $(DEMO) $(NUMPY2) $(JAX) $(NEWEST_JAX) $(ZOO) build dist *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.complete: $(INSTALLED_FROM)
	$(PYTHON) -m venv $(VENV)
	$(VENV)/bin/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[all,onnx,test,lint,bench]'
	touch $@

# torchvision would bring another build of torch.
$(ZOO)/.complete: $(INSTALLED_FROM)
	$(PYTHON) -m venv $(ZOO)
	$(ZOO)/bin/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[all,flax,onnx,test]' transformers
	$(ZOO)/bin/python $(PIP_INSTALL) --constraint constraints.txt --no-deps torchvision
	touch $@

$(DEMO)/.complete: $(INSTALLED_FROM)
	$(PYTHON) -m venv $(DEMO)
	$(DEMO)/bin/python $(PIP_INSTALL) --constraint constraints.txt --editable .
	touch $@

$(JAX)/.complete: $(INSTALLED_FROM)
	$(PYTHON) -m venv $(JAX)
	$(JAX)/bin/python $(PIP_INSTALL) --constraint constraints.txt --editable '.[flax,orbax,test]'
	touch $@

$(NEWEST_JAX)/.complete: $(INSTALLED_FROM)
	$(NEW_PYTHON) -m venv $(NEWEST_JAX)
	$(NEWEST_JAX)/bin/python $(PIP_INSTALL) --upgrade 'jax>=0.11' 'numpy>=2.5' --editable '.[test]'
	touch $@

# The same pins, except NumPy's.
$(NUMPY2)/.complete: $(INSTALLED_FROM)
	$(PYTHON) -m venv $(NUMPY2)
	sed 's/^numpy==.*/numpy==2.4.6/' constraints.txt > $(NUMPY2)/constraints.txt
	$(NUMPY2)/bin/python $(PIP_INSTALL) --constraint $(NUMPY2)/constraints.txt --editable '.[torch,test]'
	touch $@
