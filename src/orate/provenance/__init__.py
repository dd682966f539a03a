"""Marks that say of a file that it was generated, and what finds them again."""
