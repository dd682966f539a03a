"""Rendering: the layers of the `default` decoder, each physical, at the photo's own resolution; NumPy and OpenCV."""
