"""Signature → :class:`Prediction`, by the sharpest engine that applies."""

from pennylane_wishart.prediction.noise import NoiseDepth, NoiseEffect
from pennylane_wishart.prediction.predict import predict, prediction_of
from pennylane_wishart.prediction.process import Process
from pennylane_wishart.prediction.record import Prediction

__all__ = ["NoiseDepth", "NoiseEffect", "Prediction", "Process", "predict", "prediction_of"]
