"""StatelessScope: what is read and assigned inside, and that no handle changes."""

import numpy as np
import pytest

import unidl
from unidl import layers, ops, random
from unidl.backend import Variable


def test_assignments_stay_in_the_scope(backend):
    v, other = Variable([1.0, 2.0], name="v"), Variable([3.0], name="other")
    with unidl.StatelessScope([(v, np.array([5.0, 6.0]))]) as scope:
        np.testing.assert_array_equal(v.numpy(), [5, 6])
        np.testing.assert_array_equal(other.numpy(), [3])
        assert scope.get_current_value(other) is None
        v.assign_add([1.0, 1.0])
        other.assign([4.0])
        scope.add_update((other, [7.0]))
        np.testing.assert_array_equal(other.numpy(), [7])
    for variable, inside, outside in ((v, [6, 7], [1, 2]), (other, [7], [3])):
        found = scope.get_current_value(variable)
        assert backend.is_tensor(found)
        np.testing.assert_array_equal(backend.to_numpy(found), inside)
        np.testing.assert_array_equal(variable.numpy(), outside)


def test_gradients_of_variables_that_the_mapping_does_not_name(backend):
    v = Variable([1.0, 2.0])
    with unidl.StatelessScope():
        _, (gradient,) = unidl.value_and_grad(lambda: ops.sum(v.value * v.value), [v])
        np.testing.assert_array_equal(backend.to_numpy(gradient), [2, 4])


def test_what_a_scope_kept_can_be_put_into_place(backend):
    v, generator = Variable(1.0), random.SeedGenerator(1)
    with unidl.StatelessScope() as scope:
        v.assign(3.0)
        generator.next()
    assert (float(v), generator.counter) == (1, 0)
    scope.put_into_place()
    assert (float(v), generator.counter) == (3, 1)


def test_a_scope_in_a_scope_reads_through_it(backend):
    v, w = Variable(1.0), Variable(2.0)
    with unidl.StatelessScope([(v, 10.0), (w, 20.0)]) as outer:
        with unidl.StatelessScope([(w, 30.0)]) as inner:
            v.assign(v.value + w.value)
        assert float(v) == 10
        assert float(outer.get_current_value(w)) == 20
    assert float(inner.get_current_value(v)) == 40
    assert float(v) == 1


def test_random_numbers_are_a_function_of_the_state(backend):
    generator = random.SeedGenerator(1)
    first = random.uniform((3,), seed=generator)
    state = generator.state.value
    assert tuple(backend.shape(state)) == generator.state.shape == (4,)
    with unidl.StatelessScope([(generator.state, state)]) as scope:
        drawn = [random.uniform((3,), seed=generator) for _ in range(2)]
    assert generator.counter == 1
    second, third = (random.uniform((3,), seed=generator) for _ in range(2))
    assert not np.array_equal(backend.to_numpy(first), backend.to_numpy(second))
    for found, wanted in zip(drawn, (second, third), strict=True):
        np.testing.assert_array_equal(backend.to_numpy(found), backend.to_numpy(wanted))
    after = backend.to_numpy(scope.get_current_value(generator.state))
    np.testing.assert_array_equal(after, generator.state.numpy())


def test_a_state_may_be_that_of_another_generator(backend):
    one, other = random.SeedGenerator(1), random.SeedGenerator(2)
    other.next()
    one.state.assign(other.state.value)
    third = random.SeedGenerator(3)
    third.set_state(one.get_state())
    assert one.next() == other.next() == third.next()


def test_losses_are_kept_by_the_scope():
    layer = layers.Dense(2, activity_regularizer="l2", kernel_regularizer="l1")
    layer(np.ones((1, 3)))
    before = layer.losses
    with unidl.StatelessScope(collect_losses=True) as scope:
        layer(np.zeros((1, 3)))
        found = layer.losses
    assert len(scope.losses) == 1
    assert float(scope.losses[0]) == float(found[0]) == 0
    np.testing.assert_array_equal(layer.losses, before)


def test_gradients_flow_through_assignments(backend):
    w, kept = Variable([2.0]), Variable([0.0])

    def forward():
        with unidl.StatelessScope() as scope:
            kept.assign(w.value * w.value)
        return ops.sum(scope.get_current_value(kept))

    _, (gradient,) = unidl.value_and_grad(forward, [w])
    np.testing.assert_allclose(backend.to_numpy(gradient), [4])


def test_wrong_use_is_told(backend):
    v, generator = Variable([1.0, 2.0], name="v"), random.SeedGenerator(1)
    with pytest.raises(TypeError, match=r"pairs \(variable, value\), got 'v' of type str"):
        unidl.StatelessScope([("v", [1.0])])
    with pytest.raises(ValueError, match=r"'v' has shape \(2,\), its value shape \(3,\)"):
        unidl.StatelessScope([(v, np.ones(3))])
    with pytest.raises(ValueError, match=r"seed_generator_state' has shape \(4,\), .* \(2,\)"):
        unidl.StatelessScope([(generator.state, np.ones(2))])
    with pytest.raises(ValueError, match=r"cannot assign a value of shape \(2,\).*restart"):
        generator.state.assign(np.ones(2))
    scope = unidl.StatelessScope()
    with scope, pytest.raises(RuntimeError, match="entered already"):
        scope.__enter__()
