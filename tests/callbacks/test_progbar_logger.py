"""ProgbarLogger, and whether a bar is shown at all."""

import pytest

import unidl
from tests.written_for_keras.both import X, Y, dense
from unidl import callbacks, config


def model():
    net = unidl.Sequential([unidl.Input((3,)), dense(unidl)])
    net.compile("sgd", "mse")
    return net


def test_it_shows_what_fit_shows(capsys):
    model().fit(X, Y, epochs=2, batch_size=2, verbose=1)
    by_fit = capsys.readouterr().out
    logger = callbacks.ProgbarLogger()
    net = model()
    net.fit(X, Y, epochs=2, batch_size=2, verbose=0, callbacks=[logger], validation_data=(X, Y))
    shown = capsys.readouterr().out
    for line in ("Epoch 1/2", "Epoch 2/2"):
        assert line in by_fit
        assert line in shown
    assert "val_loss" in shown
    net.evaluate(X, Y, verbose=0, callbacks=[logger])
    net.predict(X, verbose=0, callbacks=[logger])
    assert "Predict" in capsys.readouterr().out


@pytest.fixture
def not_interactive():
    config.disable_interactive_logging()
    yield
    config.enable_interactive_logging()


def test_without_interactive_logging_auto_is_a_line_an_epoch(not_interactive, capsys):
    assert not unidl.utils.is_interactive_logging_enabled()
    model().fit(X, Y, epochs=2, verbose="auto")
    auto = capsys.readouterr().out
    model().fit(X, Y, epochs=2, verbose=2)
    plain = capsys.readouterr().out
    assert [line.split(" - ")[0] for line in auto.splitlines()] == [
        line.split(" - ")[0] for line in plain.splitlines()
    ]
    config.enable_interactive_logging()
    assert config.is_interactive_logging_enabled()
