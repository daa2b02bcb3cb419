"""`rollout channel`: look, switch, plan, apply, and keep the cache of releases."""
