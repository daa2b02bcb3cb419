"""Files of state and evidence, as text and bytes."""
