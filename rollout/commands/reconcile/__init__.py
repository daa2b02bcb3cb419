"""`rollout reconcile`: fold in evidence, decide, record it, and act on it."""
