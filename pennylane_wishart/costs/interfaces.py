"""Programs of the three interfaces: how each makes arrays, and how each differentiates."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pennylane as qml

from pennylane_wishart.circuit.arguments import Arguments
from pennylane_wishart.conventions import costs as limits
from pennylane_wishart.conventions.arrays import Floats
from pennylane_wishart.costs.calls import Call, Watch, plain, watching
from pennylane_wishart.costs.programs import Differentiated, Program, Run
from pennylane_wishart.errors import InputError

__all__ = ["AutogradProgram", "JaxProgram", "ModuleProgram", "TorchProgram"]


class AutogradProgram(Program):
    """Autograd, and plain numpy."""

    def _leaves(self, x: Floats) -> list[Any]:
        return [qml.numpy.array(part, requires_grad=True) for part in self._cut(x, self.shapes)]

    def _constant(self, value: Floats, like: Any) -> Any:
        return value

    def _differentiate(self, x: Floats, leaves: Sequence[tuple[int, ...]], taps: Floats) -> Differentiated:
        import autograd
        import autograd.numpy as anp

        p = len(x)

        def together(z: Any) -> Any:
            cost, outputs = self._watch(self._cut(z[:p], self.shapes), leaves, self._cut(z[p:], leaves))
            return anp.concatenate([anp.reshape(v, (-1,)) for v in (cost, *outputs)])

        vjp, value = autograd.make_vjp(together)(np.concatenate([x, taps]))

        def pull(cost: float, outputs: Floats) -> tuple[Floats, Floats]:
            found = np.asarray(vjp(np.concatenate([[cost], outputs])), float)
            return found[:p], found[p:]

        flat = np.asarray(value, float)
        return Differentiated(self._number(flat[0]), flat[1:], pull)


class JaxProgram(Program):
    """Jax: the cost is traced once, in double precision and through everything that it compiles itself."""

    def __init__(
        self, cost: Callable[..., Any], arguments: Arguments, values: Floats, shapes: Sequence[tuple[int, ...]]
    ) -> None:
        doubled, self._double = arguments.doubled()
        super().__init__(cost, doubled, values, shapes)
        self.forget()

    def forget(self) -> None:
        """Trace anew at the next run."""
        self._traced: tuple[Callable[..., Any], Callable[..., Any], list[Any], int] | None = None

    def _trace(self) -> tuple[Callable[..., Any], Callable[..., Any], list[Any], int]:
        """(parameters, taps) → (cost, outputs, arrays that QNodes were called with); its pullback; the calls; taps."""
        import jax
        import jax.numpy as jnp

        if self._traced is not None:
            return self._traced
        calls: list[Any] = []

        def plain_run(x: Any, taps: Any) -> Any:
            at = 0

            def tap(_: int, leaf: Any) -> Any:
                nonlocal at
                size = int(np.prod(np.shape(leaf), dtype=int))
                part = taps[at : at + size].reshape(np.shape(leaf)) if taps is not None else 0.0
                at += size
                return leaf + part

            watch = Watch(tap)
            with watching(watch):
                cost = self._call(self._cut(x, self.shapes))
            self._check_scalar(cost)
            calls[:] = [(c.qnode, *jax.tree_util.tree_flatten((c.args, c.kwargs)), c.leaves) for c in watch.calls]
            given = [[_outer(v)[0] for v in leaves if _is_array(v)] for _, leaves, _, _ in calls]
            outputs = [_outer(leaf)[1] for leaf in watch.leaves]
            return jnp.reshape(cost, ()), outputs, given

        with self._double(), jax.disable_jit():  # a compiled QNode would not be called again
            x = jnp.asarray(self.values)
            shapes = jax.eval_shape(lambda z: plain_run(z, None)[1], x)
            m = sum(int(np.prod(s.shape, dtype=int)) for s in shapes)
            jaxpr, out = jax.make_jaxpr(plain_run, return_shape=True)(x, jnp.zeros(m))
        tree = jax.tree_util.tree_structure(out)

        def evaluate(x: Any, taps: Any) -> Any:
            return jax.tree_util.tree_unflatten(tree, jax.core.eval_jaxpr(jaxpr.jaxpr, jaxpr.consts, x, taps))

        def pull(x: Any, taps: Any, weight: Any, weights: Any) -> Any:
            def scalar(x: Any, taps: Any) -> Any:
                cost, outputs, _ = evaluate(x, taps)
                flat = jnp.concatenate([jnp.zeros(0), *(jnp.reshape(o, (-1,)) for o in outputs)])
                return weight * cost + weights @ flat

            return jax.grad(scalar, (0, 1))(x, taps)

        self._traced = (jax.jit(evaluate), jax.jit(pull), calls, m)
        return self._traced

    def run(self, x: Floats, taps: Floats | None = None) -> Run:
        """Run the cost at flat parameters, with taps added to what QNodes return."""
        import jax

        with self._double():
            evaluate, _, calls, m = self._trace()
            cost, outputs, given = evaluate(x, np.zeros(m) if taps is None else taps)
        found, at = [], 0
        for (qnode, leaves, tree, returned), arrays in zip(calls, given, strict=True):
            values = iter(arrays)
            args, kwargs = jax.tree_util.tree_unflatten(tree, [next(values) if _is_array(v) else v for v in leaves])
            mapped = any(_is_mapped(leaf) for leaf in returned)
            found.append(Call(qnode, args, kwargs, tuple(outputs[at : at + len(returned)]), mapped))
            at += len(returned)
        return Run(self._number(cost), tuple(found))

    def _differentiate(self, x: Floats, leaves: Sequence[tuple[int, ...]], taps: Floats) -> Differentiated:
        run = self.run(x, taps)
        _, compiled, _, _ = self._trace()

        def pull(weight: float, weights: Floats) -> tuple[Floats, Floats]:
            with self._double():
                by_x, by_taps = compiled(x, taps, weight, weights)
            return np.asarray(by_x, float), np.asarray(by_taps, float)

        return Differentiated(run.cost, run.outputs, pull)

    def _leaves(self, x: Floats) -> list[Any]:
        return self._cut(x, self.shapes)

    def _constant(self, value: Floats, like: Any) -> Any:
        return value


def _is_array(value: Any) -> bool:
    return hasattr(value, "dtype") and hasattr(value, "shape")


def _is_mapped(value: Any) -> bool:
    # jax names the class in a place of its own that it asks nobody to use
    return hasattr(value, "batch_dim") and hasattr(value, "val")


def _outer(value: Any) -> tuple[Any, Any]:
    """The first row of a value inside ``jax.vmap``, and the mean over rows; the value itself elsewhere."""
    import jax.numpy as jnp

    if not _is_mapped(value):
        return value, value
    rows = value.val if value.batch_dim is None else jnp.moveaxis(value.val, value.batch_dim, 0)
    return _outer(rows[0])[0], _outer(rows.mean(axis=0))[1]


class TorchProgram(Program):
    """Torch, by tensors that are arguments of the cost."""

    def __init__(
        self, cost: Callable[..., Any], arguments: Arguments, values: Floats, shapes: Sequence[tuple[int, ...]]
    ):
        super().__init__(cost, arguments, values, shapes)
        olds = (arguments.args[s] if isinstance(s, int) else arguments.kwargs[s] for s in arguments.slots)
        self._set_types([old.dtype for old in olds])

    def _call(self, leaves: Sequence[Any]) -> Any:
        try:
            return super()._call(leaves)
        except RuntimeError as err:  # torch's own word for in-place changes, and for shapes and types that do not fit
            raise InputError(
                f"The cost raised RuntimeError: {str(err).splitlines()[0]} Keep its parameters as they are (no "
                "in-place changes such as w += 1), and call it once yourself with the same arguments."
            ) from err

    def _set_types(self, types: Sequence[Any]) -> None:
        self.types = types
        if any(t.itemsize < limits.DOUBLE_BYTES for t in types):
            self.precision = limits.ZERO_SINGLE

    def _leaves(self, x: Floats) -> list[Any]:
        import torch

        parts = zip(self._cut(x, self.shapes), self.types, strict=True)
        return [torch.tensor(part, dtype=dtype, requires_grad=True) for part, dtype in parts]

    def _constant(self, value: Floats, like: Any) -> Any:
        import torch

        return torch.as_tensor(value, dtype=like.dtype) if isinstance(like, torch.Tensor) else value

    def _tapped(self, leaf: Any, tap: Any) -> Any:
        # in the leaf's own precision; what is no tensor any more has no derivative to be tapped
        return leaf + tap.to(leaf.dtype) if hasattr(leaf, "requires_grad") and hasattr(leaf, "detach") else leaf

    def _differentiate(self, x: Floats, leaves: Sequence[tuple[int, ...]], taps: Floats) -> Differentiated:
        import torch

        inputs = self._leaves(x)
        tapped = [torch.tensor(part, dtype=torch.float64, requires_grad=True) for part in self._cut(taps, leaves)]
        cost, outputs = self._watch(inputs, leaves, tapped)
        # what is no tensor any more, or was cut off, has no derivative
        ends = [v if isinstance(v, torch.Tensor) and v.requires_grad else None for v in (cost, *outputs)]
        wanted = [t for t in (*inputs, *tapped) if t.requires_grad]

        def pull(weight: float, weights: Floats) -> tuple[Floats, Floats]:
            parts = [np.full(np.shape(cost), weight), *self._cut(weights, leaves)]
            pairs = [(e, torch.as_tensor(w, dtype=e.dtype)) for e, w in zip(ends, parts, strict=True) if e is not None]
            found: dict[int, Any] = {}
            if pairs and wanted:
                heads, seeds = zip(*pairs, strict=True)
                grads = torch.autograd.grad(heads, wanted, seeds, retain_graph=True, allow_unused=True)
                found = {id(t): g for t, g in zip(wanted, grads, strict=True) if g is not None}
            return _flat(inputs, found), _flat(tapped, found)

        numbers = np.concatenate([np.zeros(0), *(plain(o).reshape(-1) for o in outputs)])
        return Differentiated(self._scalar(cost), numbers, pull)


def _flat(tensors: Sequence[Any], gradients: dict[int, Any]) -> Floats:
    """Gradients by some tensors, 0 where there is none."""
    parts = [plain(gradients[id(t)]) if id(t) in gradients else np.zeros(tuple(t.shape)) for t in tensors]
    return np.concatenate([np.zeros(0), *(part.reshape(-1) for part in parts)])


class ModuleProgram(TorchProgram):
    """Torch, by tensors that the cost holds: ``parameters=model.parameters()``."""

    def __init__(self, cost: Callable[..., Any], arguments: Arguments, tensors: Sequence[Any]):
        values = np.concatenate([plain(t).reshape(-1) for t in tensors])
        Program.__init__(self, cost, arguments, values, [tuple(t.shape) for t in tensors])
        self.tensors = list(tensors)
        self._set_types([t.dtype for t in tensors])

    def _leaves(self, x: Floats) -> list[Any]:
        import torch

        with torch.no_grad():
            for tensor, part in zip(self.tensors, self._cut(x, self.shapes), strict=True):
                tensor.copy_(torch.as_tensor(part))
        return self.tensors

    def restore(self) -> None:
        """Put back the values that the tensors came with."""
        self._leaves(self.values)
