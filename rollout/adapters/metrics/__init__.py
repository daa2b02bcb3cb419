"""The only code that asks metrics servers: one provider a file, and one HTTP client for all."""
