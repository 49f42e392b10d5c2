"""A run, or several, as one self-contained HTML page, and as a summary for the terminal."""
