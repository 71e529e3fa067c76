"""What descents of this circuit will find: the space that it reaches, and a certificate (THEORY §7e, §7g)."""

from pennylane_wishart.outlook.certificate import Certificate, certify
from pennylane_wishart.outlook.space import ReachedSpace, reached_space

__all__ = ["Certificate", "ReachedSpace", "certify", "reached_space"]
