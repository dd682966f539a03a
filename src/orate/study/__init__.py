"""The Turing test: people say which clips are real; FastAPI serves the page, SQLite keeps the answers."""
