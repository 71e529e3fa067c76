"""Second derivatives at the circuit's own depth: their variances, engine by engine."""
