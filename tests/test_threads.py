"""Small circuits are worked on by one thread, whatever the environment says; large ones keep the user's threads."""

import numpy as np
import pennylane as qml
import pytest
import threadpoolctl
from pennylane import numpy as pnp

import pennylane_wishart as pw
from pennylane_wishart.threads import one_thread


def threads():
    return {pool["num_threads"] for pool in threadpoolctl.threadpool_info()}


def test_small_work_holds_threads_and_gives_them_back():
    with threadpoolctl.threadpool_limits(2):
        with one_thread(4):
            assert threads() == {1}
        assert threads() == {2}
        with one_thread(20):
            assert threads() == {2}


@pytest.mark.parametrize("call", [pw.measure, pw.find_minima], ids=["measure", "find_minima"])
def test_devices_run_small_circuits_on_one_thread(call):
    seen = set()

    class Watched(type(qml.device("default.qubit", wires=2))):
        def execute(self, circuits, execution_config=None):
            seen.update(threads())
            return super().execute(circuits, execution_config)

    @qml.qnode(Watched(wires=2))
    def f(x):
        qml.RY(x[0], 0)
        qml.CNOT([0, 1])
        qml.RY(x[1], 1)
        return qml.expval(qml.Z(1))

    options = {"samples": 3} if call is pw.measure else {"starts": 2}
    with threadpoolctl.threadpool_limits(2):
        call(f, **options)(pnp.array(np.array([0.3, 0.4]), requires_grad=True))
        assert threads() == {2}
    assert seen == {1}
