"""The networks of the published system, one file each, and how they are saved, loaded and run."""
