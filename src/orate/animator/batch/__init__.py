"""Many videos at once: a manifest of photos and sounds in, a folder of videos and a report out."""
