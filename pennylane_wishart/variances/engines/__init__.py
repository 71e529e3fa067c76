"""Engines that average the loss over its angles, beside each other; ``choice`` picks among them."""
