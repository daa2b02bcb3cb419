"""From models to what people read: commit messages, terminal views, Markdown, documents. Opens no files."""
