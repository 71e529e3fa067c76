"""Circuits that nobody tuned to, held against dense oracles that share no code with the package.

The seeds are fixed and cheap; ``make fuzz N=2000`` runs any number of others.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
