"""SwapEMAWeights, against Keras' runs and where Keras has a gap."""

import numpy as np
import pytest

import unidl
from tests.written_for_keras.both import X, Y, agree, dense
from unidl import callbacks


def run(k, swap_on_epoch):
    model = k.Sequential([k.Input((3,)), dense(k)])
    model.compile(k.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7), "mse")
    seen = []
    watch = k.callbacks.LambdaCallback(
        on_epoch_end=lambda epoch, logs: seen.append(
            [np.array(w, copy=True) for w in model.get_weights()]
        )
    )
    history = model.fit(
        X,
        Y,
        epochs=4,
        batch_size=2,
        shuffle=False,
        verbose=0,
        validation_data=(X, Y),
        callbacks=[k.callbacks.SwapEMAWeights(swap_on_epoch), watch],
    ).history
    return [history, seen, [np.asarray(w) for w in model.get_weights()]]


def at_tests(k):
    return run(k, False)


def at_epochs(k):
    return run(k, True)


@pytest.mark.parametrize("program", [at_tests, at_epochs])
def test_as_in_keras(backend, program):
    agree(program)


def test_a_run_that_is_stopped_ends_with_the_averages(backend):
    seen = []

    def stop(epoch, logs):
        seen.append(net.get_weights())
        net.stop_training = True

    net = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    net.compile(unidl.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7), "mse")
    swap = callbacks.SwapEMAWeights(swap_on_epoch=True)
    after = callbacks.LambdaCallback(on_epoch_end=stop)
    net.fit(X, Y, epochs=4, batch_size=2, verbose=0, callbacks=[swap, after])
    for now, average in zip(net.get_weights(), seen[0], strict=True):
        np.testing.assert_array_equal(now, average)


def test_predict_gives_the_weights_back(backend):
    net = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    net.compile(unidl.optimizers.SGD(0.1, use_ema=True, ema_momentum=0.7), "mse")
    for _ in range(3):
        net.train_on_batch(X, Y)
    before = net.get_weights()
    plain = net.predict(X, verbose=0)
    averaged = net.predict(X, verbose=0, callbacks=[callbacks.SwapEMAWeights()])
    assert np.abs(plain - averaged).max() > 1e-4
    for one, other in zip(net.get_weights(), before, strict=True):
        np.testing.assert_array_equal(one, other)


def test_without_averages_it_says_what_to_write():
    net = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    net.compile("sgd", "mse")
    with pytest.raises(ValueError, match="use_ema=True"):
        net.fit(
            X,
            Y,
            verbose=0,
            validation_data=(X, Y),
            callbacks=[callbacks.SwapEMAWeights()],
        )


def test_of_each_of_several_optimizers(backend):
    """Those inside of another keep averages too."""
    model = unidl.Sequential([unidl.Input((3,)), dense(unidl, 2), dense(unidl)])
    first, second = (unidl.optimizers.SGD(2**-10, use_ema=True) for _ in range(2))
    chosen = unidl.optimizers.OptimizerMap(first, {"dense_1/.*": second})
    model.compile(unidl.optimizers.MultiOptimizer(chosen), "mse")
    seen = []
    watch = callbacks.LambdaCallback(on_test_begin=lambda logs: seen.append(model.get_weights()))
    swap = callbacks.SwapEMAWeights()
    model.fit(X, Y, batch_size=2, validation_data=(X, Y), verbose=0, callbacks=[swap, watch])
    # `fit` ends with the averages, which the validation of the only epoch has seen already.
    for found, expected in zip(seen[0], model.get_weights(), strict=True):
        np.testing.assert_array_equal(found, expected)
