"""What a decision is made of: a fold over evidence, read from `advance` on."""
