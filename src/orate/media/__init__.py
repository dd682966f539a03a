"""Decoding and encoding of pictures, sound and video; knows no faces and no networks."""
